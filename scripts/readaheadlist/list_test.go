package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/readahead"
	"github.com/atelier-go/atelier/scripts/setuptest"
)

// TestInstalledLists: the lists measured by scripts/setup match the libraries, and cover a part of
// them.
func TestInstalledLists(t *testing.T) {
	for name, bounds := range map[string][2]int64{
		"ATELIER_LIBTENSORFLOW": {150 << 20, 450 << 20}, // of 853 MB
		"ATELIER_ONNXRUNTIME":   {5 << 20, 30 << 20},    // of 35 MB
	} {
		t.Run(name, func(t *testing.T) {
			setuptest.Require(t, "", name)
			asked, err := readahead.Start(filepath.Join(os.Getenv(name), "lib", "read-ahead.json"), 1<<30)
			if err != nil || asked < bounds[0] || asked > bounds[1] {
				t.Errorf("got %d bytes, %v, want %v", asked, err, bounds)
			}
		})
	}
}

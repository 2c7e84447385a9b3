package main

import (
	"strings"
	"testing"

	catalogue "github.com/atelier-go/atelier/pkg/style"
)

// The styles that the help pages name exist.
func TestHelpNamesStyles(t *testing.T) {
	for _, name := range []string{"watercolour", "stained-glass", "mosaic"} {
		if _, err := catalogue.Lookup(name); err != nil {
			t.Error(err)
		}
		if !strings.Contains(description+submitCommand{}.Help(), name) {
			t.Errorf("the help no longer names %s: change this test", name)
		}
	}
}

package model

import (
	"strings"
	"testing"
)

func TestConfigValidate(t *testing.T) {
	err := Config{Threads: -1, Concurrent: 5000}.Validate()
	for _, want := range []string{"folder is not given", "threads must be 0 (the default) to 1024, not -1", "concurrent images must be 0 (the default) to 1024, not 5000"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error containing %q", err, want)
		}
	}
	if err := (Config{Dir: "x"}).Validate(); err != nil {
		t.Errorf("got %v with only a folder, want nil", err)
	}
}

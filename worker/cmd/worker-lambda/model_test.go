package main

import (
	"io"
	"strings"
	"testing"
)

// TestOtherModelIsRefused sets the required model by flag and by environment: another model is refused.
func TestOtherModelIsRefused(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	other := strings.Repeat("0", 64)
	open := func(variable string, args ...string) error {
		t.Helper()
		environment := map[string]string{
			"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "ATELIER_DIR": t.TempDir(), "ATELIER_MODEL": "../../../model/testdata/full", "ATELIER_MODEL_SHA256": variable,
		}
		return run(t.Context(), args, func(name string) string { return environment[name] }, io.Discard, io.Discard)
	}
	want := "not the required " + other
	if err := open("", "--model-sha256", other); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error with %q", err, want)
	}
	if err := open(other); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v by the environment, want an error with %q", err, want)
	}
}

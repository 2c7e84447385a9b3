package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// measured is output in the format of evaluate.py.
const measured = `{"measures": [
	{"key": "l1", "measure": "L1", "mean": 0.0684, "spread": [0.04, 0.098], "teacher": null, "value": 0.0684, "goal": [0, 0.055], "met": false, "worst": "a", "count": 3},
	{"key": "margin", "measure": "margin", "mean": 0.5, "spread": [0.1, 0.6], "teacher": {"mean": 0.557, "spread": [0.3, 0.7]}, "value": 0.8977, "goal": [0.85, 1.15], "met": true, "worst": "a", "count": 3},
	{"key": "cosine", "measure": "cosine", "mean": 0.7, "spread": [0.6, 0.8], "teacher": null, "value": 0.7, "goal": null, "met": null, "worst": "a", "count": 3}
], "seconds": {}}`

// fakePython returns the path of a program that writes measured to the file after --json.
func fakePython(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	script := fmt.Sprintf("#!/bin/sh\necho 'evaluate: photograph 1 of 1' >&2\nwhile [ \"$1\" != --json ]; do shift; done\ncat >\"$2\" <<'END'\n%s\nEND\n", measured)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// groups returns the control groups that this process has made.
func groups(t *testing.T) (left []string) {
	t.Helper()
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == fmt.Sprintf("atelier-bench-%d", os.Getpid()) {
			left = append(left, path)
		}
		return nil // groups of other processes come and go
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

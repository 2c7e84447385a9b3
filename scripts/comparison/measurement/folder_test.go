package measurement

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var small = Plan{Repetitions: 2, Seed: 1, Variants: []Variant{{System: Daemon, Engine: ONNX, Size: 64, Jobs: 1, Pattern: Steady, Rate: 1}}}

func open(t *testing.T, dir string, p Plan) *Folder {
	t.Helper()
	f, err := Open(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestFolderIsLockedAndResumed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	f := open(t, dir, small)
	if _, err := Open(dir, small); err == nil || !strings.Contains(err.Error(), "another process measures into") {
		t.Errorf("a second process: %v", err)
	}
	if err := f.Add(example()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	left := filepath.Join(dir, runsFolder, temporary+"1")
	if err := os.WriteFile(left, []byte(`{"header":`), 0o600); err != nil { // of a killed process
		t.Fatal(err)
	}
	other := small
	other.Variants = nil
	if _, err := Open(dir, other); err == nil || !strings.Contains(err.Error(), "has a measurement with a different plan") {
		t.Errorf("another plan: %v", err)
	}
	again := small
	again.Seed = 7
	f = open(t, dir, again)
	if f.Plan.Seed != small.Seed {
		t.Errorf("the seed is %d, want that of the first start, %d", f.Plan.Seed, small.Seed)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished file still exists: %v", err)
	}
	if runs, err := f.Runs(); err != nil || len(runs) != 1 {
		t.Errorf("got %d runs, %v", len(runs), err)
	}
	f.Close()
	if err := os.WriteFile(filepath.Join(dir, "plan.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, small); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a damaged plan: %v", err)
	}
}

// The error for an unreadable run names its file and what to do.
func TestDamagedRun(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, small)
	path := filepath.Join(dir, runsFolder, "daemon.jsonl")
	if err := os.WriteFile(path, []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Runs(); err == nil || !strings.Contains(err.Error(), path+" is damaged: line 1") || !strings.Contains(err.Error(), "Remove it") {
		t.Errorf("got %v", err)
	}
}

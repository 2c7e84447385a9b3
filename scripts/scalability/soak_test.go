//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soaking are options for a short soak with the programs in bin/.
func soaking(t *testing.T) *options {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the programs: left out with -short")
	}
	root := os.Getenv("ATELIER_ROOT")
	o := &options{Root: root, Bin: filepath.Join(root, "bin"), ONNXRuntime: os.Getenv("ATELIER_ONNXRUNTIME"), Dir: t.TempDir(), Soak: 4 * time.Second, SoakRate: 10}
	_, err := os.Stat(filepath.Join(o.Bin, "worker-daemon-onnx"))
	if root == "" || o.ONNXRuntime == "" || err != nil {
		const missing = `not set up: run scripts/setup, then eval "$(scripts/env)"`
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return o
}

// left returns what is in the working folder.
func (o *options) left(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A soak ends all jobs, reports both programs, and leaves nothing behind.
func TestSoak(t *testing.T) {
	o := soaking(t)
	text, err := o.soak(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"and 0 failed", "| api-server: goroutines | ", "| worker-daemon: open handles | ", "| active/ | "} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if left := o.left(t); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// An interrupted soak ends soon, and leaves nothing behind.
func TestInterruptedSoak(t *testing.T) {
	o := soaking(t)
	o.Soak = time.Hour
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(3*time.Second, interrupt)
	began := time.Now()
	if _, err := o.soak(ctx); !errors.Is(err, context.Canceled) || time.Since(began) > 40*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if left := o.left(t); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

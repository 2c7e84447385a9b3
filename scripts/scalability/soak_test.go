//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/setuptest"
)

// built are the programs of a soak.
var built setuptest.Programs

func TestMain(m *testing.M) {
	code := m.Run()
	built.Remove()
	os.Exit(code)
}

// soaking builds the programs, and returns options for a short soak.
func soaking(t *testing.T) *options {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the programs: left out with -short")
	}
	setuptest.Require(t, "", "ATELIER_ROOT", "ATELIER_ONNXRUNTIME")
	module := "github.com/atelier-go/atelier/"
	bin := built.Dir(t,
		[]string{"-tags=nodynamic", "-o", "$DIR/", module + "api/cmd/api-server", module + "worker/cmd/picture-decoder"},
		[]string{"-tags=nodynamic,onnx", "-o", "$DIR/worker-daemon-onnx", module + "worker/cmd/worker-daemon"})
	return &options{Root: os.Getenv("ATELIER_ROOT"), Bin: bin, ONNXRuntime: os.Getenv("ATELIER_ONNXRUNTIME"), Dir: t.TempDir(), Soak: 4 * time.Second, SoakRate: 10}
}

// left returns the names in the working folder.
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

// An interrupted soak ends before its time, and leaves nothing behind.
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

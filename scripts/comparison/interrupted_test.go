package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// If the command is killed, it leaves complete files and no servers, and the measurement can be
// continued.
func TestKilledMeasurementResumes(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := quick(t, out, "--only", "[sd]*-onnx-256px-[1p]*")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	killed := exec.Command(self, args...)
	killed.Env = append(os.Environ(), "TEST_AS_COMMAND=1")
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	killed.Stderr = pw
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	_ = pw.Close() // the process has its own copy
	progress := make([]byte, 0, 1<<16)
	for !bytes.Contains(progress, []byte("compare: run 2 of ")) { // the first run is stored then
		chunk := make([]byte, 4096)
		n, err := pr.Read(chunk)
		if err != nil {
			t.Fatalf("%v\n%s", err, progress)
		}
		progress = append(progress, chunk[:n]...)
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // killed
	_ = pr.Close()
	before, err := measurement.Load(out)
	if err != nil || len(before) < 1 {
		t.Fatalf("%d runs are left, %v", len(before), err)
	}
	for deadline := time.Now().Add(time.Minute); len(mentioning(t, out, args[6])) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("still running: %q", mentioning(t, out, args[6]))
		}
		time.Sleep(50 * time.Millisecond)
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), args, os.Getenv, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	after, err := measurement.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	variants := map[string]bool{}
	for _, r := range after {
		variants[r.Header.Variant.Name()] = true
	}
	if len(variants) < 3 {
		t.Errorf("runs of %v", variants)
	}
	if b := before[0]; b.Footer.Void == "" && strings.Contains(stderr.String(), b.Header.Variant.Name()) {
		t.Errorf("a run that was stored is made again:\n%s", &stderr)
	}
}

// mentioning returns the command lines of processes whose arguments contain one of the paths,
// except this process.
func mentioning(t *testing.T, paths ...string) (lines []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil || name == fmt.Sprintf("/proc/%d/cmdline", os.Getpid()) {
			continue
		}
		for _, path := range paths {
			if bytes.Contains(b, []byte(path)) {
				lines = append(lines, string(bytes.ReplaceAll(b, []byte{0}, []byte{' '})))
			}
		}
	}
	return lines
}

// Ctrl-C ends the servers and prints how to continue.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	args := quick(t, filepath.Join(t.TempDir(), "out"), "--only", "daemon-*")
	err := run(ctx, args, os.Getenv, &bytes.Buffer{}, writer(func(b []byte) {
		if bytes.Contains(b, []byte("run 1 of 1")) {
			stop()
		}
	}))
	if err == nil || !strings.Contains(err.Error(), "interrupted: 0 runs were made and are kept, 1 are missing; repeat the same command to continue") {
		t.Errorf("got %v", err)
	}
	if left := mentioning(t, args[6]); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Ctrl-C ends all processes, unmounts what was mounted, and removes the program and its folder.
func TestInterruptedProgram(t *testing.T) {
	o := programs(t)
	folder := filepath.Join(o.Folder, "chaos")
	program := filepath.Join(folder, "faultinjection")
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	scenario := "full-disk"
	if os.Getuid() != 0 {
		scenario = "undisturbed" // only root can mount a disk
	}
	cmd := exec.CommandContext(t.Context(), program, "--scenarios", scenario, "--jobs", "100000")
	cmd.Env = append(os.Environ(), "ATELIER_CHAOS_DIR="+folder, "ATELIER_BIN="+o.Bin)
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for began := time.Now(); !worksFor(cmd.Process.Pid); {
		select {
		case err := <-ended:
			t.Fatalf("it has ended: %v\n%s", err, printed.Bytes())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(began) > time.Minute {
			t.Fatal("no worker was started within a minute")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := <-ended
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want the exit status 1:\n%s", err, printed.Bytes())
	}
	if !bytes.Contains(printed.Bytes(), []byte("chaos: seed ")) || !bytes.Contains(printed.Bytes(), []byte("stopped before all was checked")) {
		t.Errorf("it has printed\n%s", printed.Bytes())
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder is left: %v", err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(mounts, []byte(folder)) {
		t.Errorf("mounts are left: %v\n%s", err, mounts)
	}
	for _, r := range processTable() {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.pid)); err == nil && bytes.Contains(line, []byte(folder)) {
			t.Errorf("process %d is left: %q", r.pid, line)
		}
	}
}

// worksFor reports whether a process has started a worker.
func worksFor(parent int) bool {
	return slices.ContainsFunc(processTable(), func(r running) bool { return r.parent == parent && r.name == "worker-daemon-onnx"[:15] })
}

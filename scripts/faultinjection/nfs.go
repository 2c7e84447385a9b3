//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// tryOnNFS runs a scenario inside scripts/nfs: it starts this program there, and reads the result from a file.
func (o *options) tryOnNFS(ctx context.Context, sc *scenario, n size, r *result) error {
	script := filepath.Join(o.Root, "scripts", "nfs")
	if out, err := exec.CommandContext(ctx, script, "--check").CombinedOutput(); err != nil { //nolint:gosec // the project's own
		return &unavailableError{strings.TrimSpace(string(out))}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(o.Folder, "result.")
	if err != nil {
		return err
	}
	file.Close()
	defer os.Remove(file.Name())
	cmd := exec.CommandContext(ctx, script, "--memory", "3000", "--timeout", nfsTimeout(n, sc), "--", self, //nolint:gosec // the same
		"--scenarios", sc.name, "--seed", strconv.FormatUint(o.Seed, 10), "--jobs", strconv.Itoa(n.jobs), "--times", strconv.Itoa(n.times), "--result", file.Name())
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // at which it ends its virtual machine
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("scripts/nfs: %w", err)
	}
	b, err := os.ReadFile(file.Name())
	if err != nil {
		return err
	}
	command := r.Command
	err = json.Unmarshal(b, r)
	r.Command = command
	return err
}

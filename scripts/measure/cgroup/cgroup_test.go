package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A plain folder emulates version 2, because a machine has only one of the versions.
func TestLimitsInVersion2(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("cpu memory\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, share := range map[string]Share{
		"20000 20000":   {CPUs: 1, Period: 20 * time.Millisecond, Memory: 1769 << 20},
		"33996 20000":   {CPUs: 3007.0 / 1769, Period: 20 * time.Millisecond},
		"100000 100000": {CPUs: 1},
	} {
		g, err := New(dir, share)
		if err != nil {
			t.Fatal(err)
		}
		folder := g.Folders()[0]
		if got, err := os.ReadFile(filepath.Join(folder, "cpu.max")); err != nil || string(got) != want {
			t.Errorf("cpu.max: got %q, %v, want %q", got, err, want)
		}
		if _, err := os.Stat(filepath.Join(folder, "memory.max")); (err == nil) != (share.Memory > 0) {
			t.Errorf("memory.max with %d bytes: %v", share.Memory, err)
		}
		cmd := exec.Command("echo", "in", "it")
		g.Add(cmd)
		if out, err := cmd.Output(); err != nil || string(out) != "in it\n" {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

// Groups of killed processes are removed; groups of running processes, and those of other programs,
// are kept.
func TestGroupsOfKilledProcessesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("cpu memory\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{fmt.Sprintf("%s%d", Prefix, ended.Process.Pid): false, fmt.Sprintf("%s%d-2", Prefix, ended.Process.Pid): false,
		fmt.Sprintf("%s%d", Prefix, os.Getppid()): true, Prefix + "other": true, "user.slice": true}
	for name := range left {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := New(dir, Share{CPUs: 1}); err != nil {
		t.Fatal(err)
	}
	for name, stays := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != stays {
			t.Errorf("%s: %v, want it to be kept: %v", name, err, stays)
		}
	}
}

// Real groups, if the system allows them, are removed by Close; two can exist at once.
func TestRealGroups(t *testing.T) {
	var folders []string
	for range 2 {
		g, err := New("", Share{Memory: 100 << 20, CPUs: 0.5, Period: 20 * time.Millisecond})
		if none := new(UnavailableError); errors.As(err, &none) {
			t.Skip(none)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(g.Folders()[0]); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s still exists: %v", g.Folders()[0], err)
			}
		}()
		folders = append(folders, g.Folders()[0])
		cmd := exec.Command("cat", "/proc/self/cgroup")
		g.Add(cmd)
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), filepath.Base(g.Folders()[0])) {
			t.Errorf("a process is in %s, %v", out, err)
		}
	}
	if folders[0] == folders[1] {
		t.Error("both groups are the same")
	}
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/measure/cgroup"
)

// A process that exceeds its group's memory is killed, and the error says so; close removes the
// group.
func TestMemoryLimitKillsProcess(t *testing.T) {
	quick(t)
	c, err := newLimitedGroup("", cgroup.Share{Memory: 100 << 20, CPUs: 1})
	if lack := new(unavailable); errors.As(err, &lack) && os.Getenv("CI") == "" {
		t.Skip(lack)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(programs(t), "measure-onnx")
	small := task{Model: "../../model/atelier", Concurrent: 1}.sized(64)
	if _, err := askInGroup[peak](t.Context(), c, program, "peak", small); err != nil {
		t.Errorf("a small picture: %v", err)
	}
	if _, err := askInGroup[peak](t.Context(), c, program, "peak", small.sized(1024)); !errors.Is(err, cgroup.ErrKilled) {
		t.Errorf("a large picture: got %v, want that it was killed", err)
	}
	if _, err := askInGroup[peak](t.Context(), c, program, "peak", task{Model: "missing"}); err == nil || errors.Is(err, cgroup.ErrKilled) {
		t.Errorf("a missing model: got %v, want its reason", err)
	}
	if err := c.Close(); err != nil || len(groups(t)) > 0 {
		t.Errorf("after close (%v) there are %q", err, groups(t))
	}
}

func TestUnavailableControlGroups(t *testing.T) {
	empty, bare := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bare, "cgroup.subtree_control"), []byte("memory pids\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{empty: "no control group of version 2", bare: "don't have the controller cpu"} {
		_, err := newLimitedGroup(dir, cgroup.Share{Memory: 1 << 30, CPUs: 1})
		if lack := new(unavailable); !errors.As(err, &lack) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want that %q", err, want)
		}
	}
}

// A plain folder emulates version 2, because a machine has only one of the versions.
func TestLimitsOfVersion2(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("cpuset cpu io memory pids\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := newLimitedGroup(dir, cgroup.Share{Memory: 3007 << 20, CPUs: 1.7})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"memory.max": "3153068032", "memory.swap.max": "0", "cpu.max": "170000 100000"} {
		if got, err := os.ReadFile(filepath.Join(c.Folders()[0], name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q and %v, want %q", name, got, err, want)
		}
	}
	cmd, _, err := c.child(t.Context(), "/bin/echo", "peak", task{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(out), childArg+" peak {") {
		t.Errorf("got %q and %v, want the child's arguments", out, err)
	}
	if got, err := os.ReadFile(filepath.Join(c.Folders()[0], "cgroup.procs")); err != nil || strings.TrimSpace(string(got)) != strconv.Itoa(cmd.Process.Pid) {
		t.Errorf("in the group: got %q and %v, want %d", got, err, cmd.Process.Pid)
	}
}

func TestLargest(t *testing.T) {
	for _, most := range []int{0, 31, 32, 100, 4096, 10000} {
		want := min(most/sidesStep*sidesStep, 4096)
		got, err := largest(4096, func(side int) (bool, error) { return side <= most, nil })
		if err != nil || got != want {
			t.Errorf("up to %d: got %d and %v, want %d", most, got, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := largest(4096, func(int) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the test", err)
	}
}

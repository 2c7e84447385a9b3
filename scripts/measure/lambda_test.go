package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A process that takes more than its cell has is killed, and known to be; the cell
// goes with close.
func TestCell(t *testing.T) {
	quick(t)
	c, err := newCell("", share{100 << 20, 1})
	if lack := new(lacking); errors.As(err, &lack) && os.Getenv("CI") == "" {
		t.Skip(lack)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "measure-onnx")
	small := task{Model: "../../model/atelier", Concurrent: 1}.sized(64)
	if _, err := askIn[peak](t.Context(), c, program, "peak", small); err != nil {
		t.Errorf("a small picture: %v", err)
	}
	if _, err := askIn[peak](t.Context(), c, program, "peak", small.sized(1024)); !errors.Is(err, errKilled) {
		t.Errorf("a large picture: got %v, want that it was killed", err)
	}
	if _, err := askIn[peak](t.Context(), c, program, "peak", task{Model: "missing"}); err == nil || errors.Is(err, errKilled) {
		t.Errorf("a missing model: got %v, want its reason", err)
	}
	if err := c.close(); err != nil || len(groups(t)) > 0 {
		t.Errorf("after close (%v) there are %q", err, groups(t))
	}
}

func TestCellThatCannotBe(t *testing.T) {
	empty, bare := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bare, "cgroup.subtree_control"), []byte("memory pids\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{empty: "no control group of version 2", bare: "don't have the controller cpu"} {
		_, err := newCell(dir, share{1 << 30, 1})
		if lack := new(lacking); !errors.As(err, &lack) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want that %q", err, want)
		}
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
		t.Errorf("got %v, want the fault", err)
	}
}

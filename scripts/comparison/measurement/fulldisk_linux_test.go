package measurement

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// On a full disk the error says what to do, and runs stored before are kept.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small disk can't be mounted, which requires root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	f, err := Open(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Add(example()); err != nil {
		t.Fatal(err)
	}
	large := example()
	large.Header.Repetition = 2
	large.Jobs = make([]Job, 20_000)
	large.Footer.Jobs = len(large.Jobs)
	if err := f.Add(large); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "repeat the same command") {
		t.Errorf("got %v", err)
	}
	if runs, err := f.Runs(); err != nil || len(runs) != 1 {
		t.Errorf("got %d runs, %v", len(runs), err)
	}
	f.Close()
}

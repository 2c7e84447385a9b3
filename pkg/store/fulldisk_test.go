//go:build linux

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
)

// smallDisk mounts a file system in memory, with options as in tmpfs(5).
func smallDisk(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("a small disk can't be made here:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// A full disk has space for an empty file, but not for a job.
func TestCheckDetectsFullDisk(t *testing.T) {
	dir := smallDisk(t, "size=64k")
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = ballast.Write(make([]byte, 4096))
	}
	_ = ballast.Close()
	if err := s.Check(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := os.Remove(ballast.Name()); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// If a file system has no inodes left, submissions are refused, and the sweep, the retention and
// erasures still work.
func TestNoInodesLeft(t *testing.T) {
	dir := smallDisk(t, "size=64m,nr_inodes=2000")
	open := func() scene {
		s, err := Open(Config{Dir: dir, Lease: time.Hour, Quotas: Quotas{MinFree: 1}})
		if err != nil {
			t.Fatal(err)
		}
		return scene{t, s, new(job.Spec), new(*Lease)}
	}
	sc := open()
	var done []job.ID
	for range 2 * maxTogether {
		l := sc.createAndClaim()
		if err := paint(l, "painted"); err != nil {
			t.Fatal(err)
		}
		done = append(done, l.Spec.ID)
	}
	waiting := sc.create()
	if won, err := sc.Turn(time.Hour); err != nil || !won {
		t.Fatal(won, err)
	}
	if err := sc.FillSpares(); err != nil {
		t.Fatal(err)
	}
	var err error
	for n := 0; err == nil; n++ { // other programs use up the inodes
		err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("ballast.%d", n)), nil, 0o600)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}

	sc = open() // a process that starts now
	if err := sc.Create(sc.spec(), []byte("picture"), nil); !errors.Is(err, job.ErrDiskFull) {
		t.Errorf("a submission: %v", err)
	}
	at, err := sc.Now()
	if age := time.Since(at).Abs(); err != nil || age > time.Minute {
		t.Errorf("the time is %v ago, %v", age, err)
	}
	if won, err := sc.Turn(0); err != nil || !won {
		t.Errorf("a turn: %t, %v", won, err)
	}
	if won, err := sc.Turn(time.Hour); err != nil || won {
		t.Errorf("another turn at once: %t, %v", won, err)
	}
	if err := sc.SetNote(SweepNote, []byte("{}")); err != nil {
		t.Errorf("a note: %v", err)
	}
	if err := sc.Erase(waiting, Erased); err != nil {
		t.Errorf("erase: %v", err)
	}
	for n := 0; n < 100; n++ { // other programs take what was freed
		_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("more.%d", n)), nil, 0o600)
	}
	p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
	if err == nil {
		err = sc.endAllErasures()
	}
	if err != nil || !p.Done {
		t.Errorf("expired: %+v, %v", p, err)
	}
	for _, id := range append(done, waiting) {
		if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
			t.Errorf("a job that was removed: %v", err)
		}
	}
	if err := sc.FillSpares(); err != nil {
		t.Error(err)
	}
	if spares, err := sc.list(filepath.Join(dir, spareDir)); err != nil || len(spares) != 1+spareFiles+spareFolders {
		t.Errorf("%d spare files and folders, %v", len(spares), err)
	}
	sc = open()
	if err := sc.Create(sc.spec(), []byte("picture"), nil); err != nil {
		t.Errorf("a submission when there is room: %v", err)
	}
}

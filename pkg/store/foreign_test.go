package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Names in sweep/ that the store does not make don't prevent sweeps.
func TestForeignTurnsDoNotStopSweeps(t *testing.T) {
	for _, name := range []string{"turn.+999999", "turn.007", "turn.+7", "turn.-7", "turn.9223372036854775807", "turn.1000000000", "turn.999999999",
		"turn.5/folder/file", "7", "turn."} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			if won, err := sc.Turn(time.Hour); err != nil || !won {
				t.Fatal(won, err)
			}
			path := filepath.Join(sc.dir, sweepDir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			swept := 0
			for range 5 {
				turns, err := os.ReadDir(filepath.Join(sc.dir, sweepDir))
				if err != nil {
					t.Fatal(err)
				}
				old := time.Now().Add(-2 * time.Hour)
				for _, e := range turns {
					if err := os.Chtimes(filepath.Join(sc.dir, sweepDir, e.Name()), old, old); err != nil {
						t.Fatal(err)
					}
				}
				won, err := sc.Turn(time.Hour)
				if err != nil {
					t.Error(err)
				}
				if won {
					swept++
				}
				if again, err := sc.Turn(time.Hour); err != nil || won && again {
					t.Errorf("a second turn at once: %t, %v", again, err)
				}
			}
			if swept < 4 {
				t.Errorf("swept %d times of 5", swept)
			}
		})
	}
}

// A turn that can't be removed does not prevent sweeps.
func TestUnremovableTurnDoesNotStopSweeps(t *testing.T) {
	sc := newScene(t)
	sc.step = func(op, path string, call func() error) error {
		if op == "remove" && filepath.Base(path) == "turn.1" {
			return syscall.EACCES
		}
		return call()
	}
	for n := range 4 {
		if won, err := sc.Turn(0); err != nil || !won {
			t.Errorf("turn %d: %t, %v", n+1, won, err)
		}
	}
}

// Folders that are not hours, and hours in the future, are not listed.
func TestForeignFoldersAreNotListed(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	future := sc.specAt(time.Now().Add(30 * 24 * time.Hour)).ID
	bad := []string{future.Folder(), "2026/13/01/00", "2026/01/32/00", "2026/01/01/24", "2026/1/01/00", "2026/01/1/00", "202/01/01/00", "1/01/01/00",
		"+026/01/01/00", "20260/01/01/00", "zzzz/01/01/00"}
	for _, name := range bad {
		if err := os.MkdirAll(filepath.Join(sc.dir, jobsDir, name, string(id)), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	var listed []string
	sc.step = func(op, path string, call func() error) error {
		if op == "readdir" {
			rel, _ := filepath.Rel(filepath.Join(sc.dir, jobsDir), path)
			listed = append(listed, rel)
		}
		return call()
	}
	jobs, _, err := sc.List(Query{Limit: 10})
	if err == nil {
		_, err = sc.Expire(context.Background(), time.Now().Add(-24*time.Hour), "")
	}
	if err == nil {
		err = sc.visitFolders(context.Background(), jobsDir, span{before: time.Now().Add(24 * time.Hour)}, func(path string) error { listed = append(listed, path); return nil })
	}
	sc.step = nil
	if err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	for _, path := range listed {
		for _, name := range append(bad, "2026/13", "2026/01/32", "2026/1", "2026/01/1", "202", "1", "+026", "20260", "zzzz") {
			if path == name || path == filepath.Join(sc.dir, jobsDir, name) {
				t.Errorf("%s was listed", path)
			}
		}
	}
	if !slices.Contains(listed, id.Folder()) {
		t.Errorf("the hour of the job was not listed: %q", listed)
	}
}

// The store does not write into a file that exists, for example one that is another file's second
// name.
func TestForeignFilesAreNotWrittenInto(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	victim := filepath.Join(sc.dir, "victim")
	for name, plant := range map[string]func(path string) error{
		"its content": func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"its link":    func(path string) error { return os.Link(victim, path) },
		"a folder":    func(path string) error { return os.Mkdir(path, 0o750) },
	} {
		if err := os.WriteFile(victim, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		path := l.path(outputFile(l.record.Claim))
		if err := plant(path); err != nil {
			t.Fatal(err)
		}
		if _, err := sc.createFile(path, []byte("painted")); err == nil {
			t.Errorf("%s: it was written into", name)
		}
		if b, err := os.ReadFile(victim); err != nil || len(b) != 0 {
			t.Errorf("%s: the victim has %q, %v", name, b, err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

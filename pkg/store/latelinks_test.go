//go:build linux

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
)

// A link of a process that publishes reaches the file server at every possible step of an erasure.
// Its NFS client has looked up the file before, so the link succeeds although the job's folder was
// moved.
func TestLateLinksPublishNothing(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} { // the links of the result and of the thumbnail
		t.Run(fmt.Sprintf("order %v", order), func(t *testing.T) {
			t.Parallel()
			sc := newScene(t)
			id := sc.succeeded()
			saved := t.TempDir()
			if err := os.CopyFS(saved, os.DirFS(sc.jobDir(id))); err != nil {
				t.Fatal(err)
			}
			for first, removals := 0, 1; first < removals; first++ {
				for second := first; second < removals; second++ {
					removals = sc.eraseWithLateLinks(id, [2]string{outputFile(1), thumbFile(1)}, order, [2]int{first, second})
					// Restored, which is much faster than another job.
					if err := errors.Join(os.Remove(sc.tombstonePath(id)), os.CopyFS(sc.jobDir(id), os.DirFS(saved))); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// eraseWithLateLinks erases a job, and links one of the job's files before two of the removals. It
// returns the number of removals.
func (sc scene) eraseWithLateLinks(id job.ID, from [2]string, order, at [2]int) (removals int) {
	sc.Helper()
	to := sc.publishedPaths(id, "jpeg", true)
	var files [2]*os.File
	for i, name := range from {
		f, err := os.Open(filepath.Join(sc.jobDir(id), name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to[i]), 0o750)
		}
		if err != nil {
			sc.Fatal(err)
		}
		files[i] = f
	}
	sc.step = func(op, _ string, call func() error) error {
		if op == "fsync" {
			return nil // it is delayed
		}
		if op != "remove" {
			return call()
		}
		for i, which := range order {
			if at[i] == removals {
				handle := fmt.Sprintf("/proc/self/fd/%d", files[which].Fd())
				_ = unix.Linkat(unix.AT_FDCWD, handle, unix.AT_FDCWD, to[which], unix.AT_SYMLINK_FOLLOW) // fails if the file has no name left
			}
		}
		removals++
		return call()
	}
	err := sc.Erase(id, Erased)
	sc.step = nil
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	err = errors.Join(err, sc.endAllErasures()) // on NFS the files existed until now
	if left := sc.allPublished(); err != nil || len(left) > 0 {
		sc.Fatalf("links from %v, %v before the removals %v: %v, published is %q", from, order, at, err, left)
	}
	return removals
}

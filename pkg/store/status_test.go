package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// An NFS client on whose machine status.json is open removes the name before it makes the new one,
// and may die in between.
func TestMissingStatusIsReadFromEvents(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	id := l.Spec.ID
	away := func(want job.State) {
		t.Helper()
		if err := os.Remove(filepath.Join(sc.jobDir(id), statusFile)); err != nil {
			t.Fatal(err)
		}
		if j, err := sc.Job(id); err != nil || j.State != want {
			t.Errorf("got %s, %v, want %s", j.State, err, want)
		}
	}
	away(job.Running)
	if err := l.Renew(); err != nil {
		t.Error(err)
	}
	if err := paint(l, "painted"); err != nil {
		t.Fatal(err)
	}
	away(job.Succeeded)
	if got, err := sc.content(sc.Result(id)); err != nil || got != "painted" {
		t.Errorf("the result: %q, %v", got, err)
	}
	if err := sc.activate(sc.activePath("", id)); err != nil {
		t.Fatal(err)
	}
	sc.sweep()
	if _, err := os.Stat(filepath.Join(sc.jobDir(id), statusFile)); err != nil {
		t.Errorf("after a sweep: %v", err)
	}
}

// While the file server fails, no job is reported as missing.
func TestJobIsNotMissingWhileTheFileServerFails(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	for n, more := 0, true; more; n++ {
		revive := sc.failAt(n, false, errors.New("input/output error"))
		first, step := true, sc.step
		sc.step = func(op, path string, call func() error) error {
			if first { // as on an NFS client that has cached it
				first = false
				return fs.ErrNotExist
			}
			return step(op, path, call)
		}
		_, err := sc.Job(id)
		more = revive()
		if errors.Is(err, job.ErrNotFound) || errors.Is(err, job.ErrGone) {
			t.Errorf("when call %d fails: %v", n, err)
		}
	}
}

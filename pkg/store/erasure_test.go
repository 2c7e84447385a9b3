package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A retry during the retention either fails, or the job exists afterwards.
func TestRetryDuringRetention(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	if _, err := sc.Cancel(id); err != nil {
		t.Fatal(err)
	}
	sc.step = func(op, path string, call func() error) error {
		if op == "rename" && path == sc.erasedDir(id) {
			step := sc.step
			sc.step = nil
			if _, made, err := sc.Retry(id); err != nil || !made {
				t.Errorf("retried: %t, %v", made, err)
			}
			sc.step = step
		}
		return call()
	}
	p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
	sc.step = nil
	if err != nil || p.Count != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if j, err := sc.Job(id); err != nil || j.Run != 2 || j.State != job.Queued {
		t.Errorf("%+v, %v", j, err)
	}
	sc.sweep()
	if j, err := sc.Job(id); err != nil || j.Run != 2 {
		t.Errorf("after a sweep: %+v, %v", j, err)
	}
}

// If the retention finds a job that another process is erasing or expiring, the job is not
// restored, at whichever call the other process dies.
func TestRetentionDuringErasureOrRetention(t *testing.T) {
	later := time.Now().Add(2 * time.Hour)
	erase := func(other *Store, id job.ID) error { return other.Erase(id, Erased) }
	expire := func(other *Store, _ job.ID) error {
		_, err := other.Expire(context.Background(), later, "")
		return err
	}
	for name, begin := range map[string]func(other *Store, id job.ID) error{"an erasure": erase, "another sweeper": expire} {
		for _, op := range []string{"rename", "open"} { // after it has read the job; after it has moved the job
			t.Run(name+" before "+op, func(t *testing.T) {
				for calls := 0; calls < 100; calls++ {
					sc := newScene(t)
					l := sc.createAndClaim()
					id := l.Spec.ID
					if err := paint(l, "painted"); err != nil {
						t.Fatal(err)
					}
					other := &Store{dir: sc.dir, lease: sc.lease, maxAttempts: sc.maxAttempts}
					var made atomic.Int64
					other.step = func(_, _ string, call func() error) error {
						if made.Add(1) > int64(calls) {
							return errCrash
						}
						return call()
					}
					var oerr error
					struck := false
					sc.step = func(at, path string, call func() error) error {
						if at == op && path == sc.erasedDir(id) && !struck {
							struck = true
							oerr = begin(other, id)
						}
						return call()
					}
					_, err := sc.Expire(t.Context(), later, "")
					sc.step = nil
					if err != nil || !struck {
						t.Errorf("the other died after %d calls (%v): %v, %t", calls, oerr, err, struck)
					}
					sc.sweep()
					if _, err := sc.Expire(t.Context(), later, ""); err != nil { // the other process has moved the job, and died
						t.Error(err)
					}
					if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
						t.Errorf("the other died after %d calls (%v): the job: %v", calls, oerr, err)
					}
					if left := sc.leftovers(); len(left) > 0 {
						t.Errorf("the other died after %d calls: left %v", calls, left)
					}
					if made.Load() <= int64(calls) {
						return
					}
				}
				t.Error("the other process never completes")
			})
		}
	}
}

// A job that was retried at the last moment is moved back with its entry in active/, even if a
// sweep has found it in the erased folder meanwhile.
func TestRetryDuringRetentionAndSweep(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	if _, err := sc.Cancel(id); err != nil {
		t.Fatal(err)
	}
	other := &Store{dir: sc.dir, lease: sc.lease, maxAttempts: sc.maxAttempts}
	retried, checked := false, false
	sc.step = func(op, path string, call func() error) error {
		switch {
		case op == "rename" && path == sc.erasedDir(id) && !retried:
			retried = true
			if _, made, err := other.Retry(id); err != nil || !made {
				t.Errorf("retried: %t, %v", made, err)
			}
		case op == "open" && path == sc.erasedDir(id) && !checked:
			checked = true
			if _, err := other.Checkup(EntryOf(job.Job{ID: id}), time.Now().Add(time.Hour), time.Minute); !errors.Is(err, job.ErrGone) {
				t.Errorf("a sweep: %v", err)
			}
			if there, err := other.exists(sc.activePath("", id)); err != nil || !there {
				t.Errorf("its entry after that: %t, %v", there, err)
			}
			if err := os.Remove(sc.activePath("", id)); err != nil { // for example by an older program
				t.Error(err)
			}
		}
		return call()
	}
	p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
	sc.step = nil
	if err != nil || p.Count != 0 || !retried || !checked {
		t.Errorf("%+v, %v, retried %t, checked %t", p, err, retried, checked)
	}
	if got := sc.entries(); len(got) != 1 || got[0] != id {
		t.Errorf("active are %v, want the retried job", got)
	}
}

// An NFS client that has looked up a folder before makes a link in it after the retention has moved
// and listed the folder. A retry that does so must fail.
func TestRetryIntoErasedFolderFails(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	if _, err := sc.Cancel(id); err != nil {
		t.Fatal(err)
	}
	sc.step = func(op, path string, call func() error) error {
		if op != "link" || path != filepath.Join(sc.jobDir(id), runFile(2)) {
			return call()
		}
		if err := os.Rename(sc.jobDir(id), sc.erasedDir(id)); err != nil {
			t.Error(err)
		}
		records, err := filepath.Glob(filepath.Join(sc.erasedDir(id), tempPrefix+"*"))
		if err != nil || len(records) != 1 {
			t.Error(records, err)
			return err
		}
		return os.Link(records[0], filepath.Join(sc.erasedDir(id), runFile(2)))
	}
	_, made, err := sc.Retry(id)
	sc.step = nil
	if made || !errors.Is(err, job.ErrBusy) {
		t.Errorf("retried: %t, %v", made, err)
	}
}

// If the retention moves a job back while it is being erased, the job is erased. A job marked as
// being erased is not moved back.
func TestErasureDuringMoveBack(t *testing.T) {
	sc := newScene(t)
	moved := func() job.ID { // by the retention
		id := sc.create()
		_, err := sc.Cancel(id)
		if err == nil {
			_, err = sc.moveToErased(id)
		}
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	id, marked := moved(), moved()
	restored := false
	sc.step = func(op, path string, call func() error) error {
		if op == "open" && path == filepath.Join(sc.erasedDir(id), specFile) && !restored { // it has found the erased folder
			restored = true
			if err := os.Rename(sc.erasedDir(id), sc.jobDir(id)); err != nil {
				t.Error(err)
			}
		}
		return call()
	}
	err := sc.Erase(id, Erased)
	sc.step = nil
	if _, jerr := sc.Job(id); err != nil || !restored || !errors.Is(jerr, job.ErrGone) {
		t.Errorf("erased: %v, restored %t; the job: %v", err, restored, jerr)
	}
	if err := errors.Join(sc.createEmpty(sc.erasureMark(marked, Erased)), sc.moveBack(marked)); err != nil {
		t.Error(err)
	}
	if there, err := sc.exists(sc.jobDir(marked)); err != nil || there {
		t.Errorf("a job that is being erased was moved back: %t, %v", there, err)
	}
	if err := sc.endAllErasures(); err != nil {
		t.Error(err)
	}
	if left := sc.leftovers(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// In a folder that is too old for a reconciliation, the retention removes what dead processes have
// left: an erased folder, a draft, and a discarded job.
func TestRetentionRemovesOldLeftovers(t *testing.T) {
	sc := newScene(t)
	old := time.Now().Add(-time.Hour)
	leave := func(as func(id job.ID) string) job.ID {
		id := sc.create()
		if _, err := sc.Cancel(id); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Rename(sc.jobDir(id), as(id)), os.Chtimes(as(id), old, old)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	ids := []job.ID{leave(sc.erasedDir), leave(sc.draftDir), leave(sc.discardedDir)}
	retried := sc.create() // and then moved by the retention of a process that died
	if _, err := sc.Cancel(retried); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sc.Retry(retried); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(sc.jobDir(retried), sc.erasedDir(retried)); err != nil {
		t.Fatal(err)
	}
	p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
	if err != nil || p.Count != 1 {
		t.Errorf("%+v, %v; want the job in the erased folder to be counted", p, err)
	}
	for _, id := range ids {
		if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
			t.Errorf("a job of which something was left: %v", err)
		}
	}
	if j, err := sc.Job(retried); err != nil || j.Run != 2 || j.State != job.Queued {
		t.Errorf("the retried job: %+v, %v", j, err)
	}
	if got := sc.entries(); len(got) != 1 || got[0] != retried {
		t.Errorf("active are %v, want the retried job", got)
	}
	if left, err := filepath.Glob(filepath.Join(sc.jobsFolder(retried), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// If a process dies while a job expires, the job is restored or removed completely.
func TestCrashDuringExpiry(t *testing.T) {
	for n := range 200 {
		sc := newScene(t)
		id := sc.create()
		if _, err := sc.Cancel(id); err != nil {
			t.Fatal(err)
		}
		revive := sc.crashAt(n)
		_, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
		if !revive() {
			if err != nil {
				t.Error(err)
			}
			return
		}
		sc.sweep()
		if p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), ""); err != nil {
			t.Errorf("after %d calls: %+v, %v", n, p, err)
		}
		if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
			t.Errorf("after %d calls: %v", n, err)
		}
		if left := sc.leftovers(); len(left) > 0 {
			t.Errorf("after %d calls: left %v", n, left)
		}
	}
}

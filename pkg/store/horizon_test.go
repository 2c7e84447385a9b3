package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Every process reports an expired job as gone, although nothing of it is left, and also any other
// id of that age that has no job. Jobs of that age that exist are read.
func TestHorizon(t *testing.T) {
	sc := newScene(t)
	long := time.Now().Add(-3 * time.Hour)
	create := func(at time.Time) job.ID {
		spec := sc.specAt(at)
		if err := sc.Create(spec, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		return spec.ID
	}
	expired, waiting, unknown := create(long), create(long.Add(time.Second)), sc.specAt(long.Add(time.Minute)).ID
	erased := create(long)
	if _, err := sc.Cancel(expired); err != nil {
		t.Fatal(err)
	}
	if err := sc.Erase(erased, Erased); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.Job(unknown); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("before anything has expired: %v", err)
	}
	other := sc.withQuotas(Quotas{})
	if p, err := sc.Expire(t.Context(), time.Now(), ""); err != nil || p.Count != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	check := func(process scene) {
		t.Helper()
		for _, id := range []job.ID{expired, unknown} {
			if _, err := process.Job(id); !errors.Is(err, job.ErrGone) || !errors.Is(err, job.ErrExpired) {
				t.Errorf("a job that old: %v", err)
			}
		}
		if _, err := process.Job(erased); !errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrExpired) {
			t.Errorf("a job that was erased: %v", err)
		}
		if j, err := process.Job(waiting); err != nil || j.State != job.Queued {
			t.Errorf("a job that is there: %+v, %v", j, err)
		}
		if _, err := process.Job(process.spec().ID); !errors.Is(err, job.ErrNotFound) {
			t.Errorf("a young id without a job: %v", err)
		}
		if _, err := process.Job(process.specAt(time.Now().Add(-2 * maxSkew)).ID); !errors.Is(err, job.ErrNotFound) {
			t.Errorf("an id older than the directory: %v", err)
		}
	}
	check(sc)
	check(other)
	if err := sc.Erase(expired, Erased); err != nil { // a job that is gone
		t.Error(err)
	}
	if _, err := sc.Tombstone(expired); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("its tombstone: %v", err)
	}
	if _, err := sc.Expire(t.Context(), time.Now().Add(-100*time.Hour), ""); err != nil { // the retention is made longer
		t.Error(err)
	}
	check(sc.withQuotas(Quotas{}))

	if err := os.WriteFile(filepath.Join(sc.dir, sweepDir, string(horizonNote)), []byte("zzz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.withQuotas(Quotas{}).Job(expired); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("where the note is damaged: %v", err)
	}
	if _, err := sc.Expire(t.Context(), time.Now(), ""); err != nil {
		t.Error(err)
	}
	check(sc.withQuotas(Quotas{}))
}

// A repeated request completes the draft of the first, even if other jobs of that time have
// expired.
func TestOldDraftIsCompleted(t *testing.T) {
	sc := newScene(t)
	died := sc.specAt(time.Now().Add(-3 * time.Hour))
	sc.step = func(op, _ string, call func() error) error {
		if op == "rename" { // it has the key, but the draft is not moved yet
			return errCrash
		}
		return call()
	}
	_, _, err := sc.CreateOnce(died, []byte("picture"), nil, "key")
	sc.step = nil
	if !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if _, err := sc.Expire(t.Context(), time.Now(), ""); err != nil {
		t.Fatal(err)
	}
	if j, made, err := sc.CreateOnce(sc.spec(), []byte("picture"), nil, "key"); err != nil || !made || j.ID != died.ID {
		t.Errorf("repeated: job %s, made %t, %v; want %s", j.ID, made, err, died.ID)
	}
}

// The sweeper distinguishes the entry of a submission that died from that of a job that is gone, at
// any age.
func TestOldDraftIsRemoved(t *testing.T) {
	sc := newScene(t)
	died := sc.specAt(time.Now().Add(-3 * time.Hour))
	sc.step = func(op, _ string, call func() error) error {
		if op == "rename" {
			return errCrash
		}
		return call()
	}
	err := sc.Create(died, []byte("picture"), nil)
	sc.step = nil
	if !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if _, err := sc.Expire(t.Context(), time.Now(), ""); err != nil {
		t.Fatal(err)
	}
	e := EntryOf(died.New())
	if _, err := sc.Checkup(e, time.Now(), time.Minute); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("young: %v", err)
	}
	if there, err := sc.exists(sc.entryPath(e)); err != nil || !there {
		t.Errorf("its entry: %t, %v", there, err)
	}
	if _, err := sc.Checkup(e, time.Now().Add(time.Hour), time.Minute); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("old: %v", err)
	}
	if left := sc.leftovers(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Tombstones are removed even if one is a folder.
func TestFolderAmongTombstones(t *testing.T) {
	sc := newScene(t)
	erased := sc.create()
	if err := sc.Erase(erased, Erased); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(sc.tombstonePath(sc.spec().ID), "folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	p, err := sc.Forget(t.Context(), time.Now().Add(2*time.Hour), "")
	if err != nil || p.Count != 2 || !p.Done {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := sc.Job(erased); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("a job that was forgotten: %v", err)
	}
}

// A folder that can't be read stops neither the retention nor the removal of tombstones in other
// folders.
func TestUnreadableFolderDoesNotStopOthers(t *testing.T) {
	sc := newScene(t)
	bad, young := sc.specAt(time.Now().Add(-3*time.Hour)), sc.spec()
	for _, spec := range []*job.Spec{bad, young} {
		err := sc.Create(spec, []byte("picture"), nil)
		if err == nil {
			_, err = sc.Cancel(spec.ID)
		}
		if err == nil { // another folder, with a tombstone
			other := sc.specAt(spec.ID.Time())
			err = errors.Join(sc.Create(other, []byte("picture"), nil), sc.Erase(other.ID, Erased))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sc.step = func(op, path string, call func() error) error {
		if op == "open" && (path == sc.jobsFolder(bad.ID) || path == filepath.Dir(sc.tombstonePath(bad.ID))) {
			return syscall.EIO
		}
		return call()
	}
	later := time.Now().Add(2 * time.Hour)
	expired, err := sc.Expire(t.Context(), later, "")
	forgotten, ferr := sc.Forget(t.Context(), later, "")
	reconcileAll, rerr := sc.Reconcile(t.Context(), "", later, later, time.Hour)
	sc.step = nil
	if !errors.Is(err, syscall.EIO) || expired.Count != 1 || !expired.Done {
		t.Errorf("expired: %+v, %v", expired, err)
	}
	if !errors.Is(ferr, syscall.EIO) || forgotten.Count != 1 || !forgotten.Done {
		t.Errorf("forgotten: %+v, %v", forgotten, ferr)
	}
	if !errors.Is(rerr, syscall.EIO) || !reconcileAll.Done {
		t.Errorf("reconciled: %+v, %v", reconcileAll, rerr)
	}
}

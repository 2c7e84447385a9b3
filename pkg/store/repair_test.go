package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// entries returns the jobs in active/.
func (sc scene) entries() (ids []job.ID) {
	sc.Helper()
	active, err := sc.Active()
	if err != nil {
		sc.Fatal(err)
	}
	for _, e := range active {
		ids = append(ids, e.ID)
	}
	return ids
}

// If a process dies after it has taken a job out of active/, the sweeper finds the job if it was
// retried at that moment.
func TestCrashDuringCompletionKeepsRetry(t *testing.T) {
	for calls := range 40 {
		sc := newScene(t)
		l := sc.createAndClaim()
		id := l.Spec.ID
		retried := false
		sc.step = func(op, path string, call func() error) error {
			if op == "rename" && filepath.Base(path) == string(id)+leavingSuffix || op == "remove" && filepath.Base(path) == string(id) {
				err := call()
				if !retried { // by another process, at the worst moment
					retried = true
					sc.step = nil
					if _, _, rerr := sc.Retry(id); rerr != nil {
						t.Error(rerr)
					}
					sc.crashAt(calls)
				}
				return err
			}
			return call()
		}
		_ = l.Fail(job.Failure{Code: job.CodeInternal, Message: "broken"})
		sc.step = nil
		if !retried {
			t.Fatal("there was no retry")
		}
		sc.sweep()
		if got := sc.entries(); len(got) != 1 || got[0] != id {
			t.Errorf("death after %d calls: active are %v, want the retried job", calls, got)
		}
	}
}

// A job that can't be moved is not removed from the indexes, because the sweeper finds it by these.
func TestFailedDiscardKeepsIndexEntries(t *testing.T) {
	sc := newScene(t)
	spec := sc.spec()
	if err := sc.Create(spec, []byte("picture"), nil); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	sc.step = func(op, path string, call func() error) error {
		if op == "rename" && path == sc.discardedDir(spec.ID) {
			return refused
		}
		return call()
	}
	err := sc.Discard(spec)
	sc.step = nil
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if got := sc.entries(); len(got) != 1 {
		t.Errorf("active are %v, want the job that is still there", got)
	}
}

// A job or folder that can't be read does not prevent the repair of others.
func TestDamageDoesNotStopOthers(t *testing.T) {
	sc := newScene(t)
	ids := sc.jobsOfAllGrains(6)
	slices.Sort(ids)
	bad := sc.jobDir(ids[0])
	badFolder := filepath.Join(sc.dir, activeDir, ownerFolder("ben"))
	if err := os.MkdirAll(badFolder, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids { // their names in the owners' index are lost
		spec, err := sc.Spec(id)
		if err == nil {
			err = os.Remove(sc.ownerEntry(&spec))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	damage := syscall.EIO
	sc.step = func(op, path string, call func() error) error {
		if path == badFolder || path == bad {
			return damage
		}
		return call()
	}
	folders, ferr := sc.ActiveFolders(t.Context())
	active := 0
	for _, f := range folders {
		entries, _ := sc.ActiveIn(f)
		active += len(entries)
	}
	later := time.Now().Add(72 * time.Hour)
	p, rerr := sc.Reconcile(t.Context(), "", later, later, time.Hour)
	sc.step = nil
	if !errors.Is(ferr, damage) || active != len(ids) {
		t.Errorf("active: %d of %d, %v", active, len(ids), ferr)
	}
	if !errors.Is(rerr, damage) || !p.Done || p.Count != len(ids)-1 {
		t.Errorf("reconciled: %+v, %v; want that all but one are repaired", p, rerr)
	}
}

// The files of a late worker that was killed in its commit are removed, although the job has ended.
func TestFilesOfALateWorkerAreRemoved(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	id := l.Spec.ID
	if _, err := sc.Cancel(id); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out.1", ".tmp-ABC", "thumb.1"} {
		if err := os.WriteFile(filepath.Join(sc.jobDir(id), name), []byte("late"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sc.sweep()
	names, err := sc.list(sc.jobDir(id))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == "out.1" || name == ".tmp-ABC" || name == "thumb.1" {
			t.Errorf("left: %s", name)
		}
	}
}

// A picture that an NFS client's late link has put into published/ after its job was erased is
// removed there and among the copies.
func TestLatePublishedPictureIsRemoved(t *testing.T) {
	sc := newScene(t)
	var removed []string
	l := sc.createAndClaimAs(true)
	id := l.Spec.ID
	if err := paint(l, "painted"); err != nil {
		t.Fatal(err)
	}
	stays := sc.createAndClaimAs(true)
	if err := errors.Join(paint(stays, "another"), sc.Erase(id, Erased)); err != nil {
		t.Fatal(err)
	}
	late := Published(id, "jpeg", true)
	for _, name := range late {
		if err := os.WriteFile(filepath.Join(sc.PublishedDir(), name), []byte("painted"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sc.unpublish = func(names []string) error { removed = append(removed, names...); return nil }
	if err := sc.reconcileAll(time.Now().Add(72 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(late)
	slices.Sort(removed)
	if !slices.Equal(removed, late) {
		t.Errorf("removed among the copies: %v, want %v", removed, late)
	}
	left := sc.allPublished()
	for _, name := range late {
		if _, there := left[name]; there {
			t.Errorf("%s is there", name)
		}
	}
	if len(left) != 2 {
		t.Errorf("published: %v, want the two pictures of the other job", left)
	}
}

// A process that is paused while it erases a job, until the job's key is another job's, does not
// remove that key.
func TestErasureKeepsNewerJobsKey(t *testing.T) {
	sc := newScene(t)
	create := func() job.ID {
		spec := sc.spec()
		if _, made, err := sc.CreateOnce(spec, []byte("picture"), nil, "key"); err != nil || !made {
			t.Fatal(made, err)
		}
		return spec.ID
	}
	older := create()
	key := sc.keyPath(keyHash("", "key"))
	var newer job.ID
	sc.step = func(op, path string, call func() error) error {
		rel, _ := filepath.Rel(sc.dir, path)
		if newer == "" && (op == "rename" && filepath.Dir(rel) == tmpDir || op == "remove" && path == key) {
			sc.step = nil
			if err := os.Remove(key); err != nil {
				t.Error(err)
			}
			newer = create()
		}
		return call()
	}
	err := sc.Erase(older, Erased)
	sc.step = nil
	if err != nil {
		t.Fatal(err)
	}
	spec := sc.spec()
	j, made, err := sc.CreateOnce(spec, []byte("picture"), nil, "key")
	if err != nil || made || j.ID != newer || newer == "" {
		t.Errorf("the same request once more: made %t, job %s, %v; want job %s", made, j.ID, err, newer)
	}
}

// Indexes that a crash has left incomplete are repaired.
func TestReconcile(t *testing.T) {
	sc := newScene(t)
	lost := sc.create() // which is in no index
	done := sc.createAndClaim()
	if err := paint(done, "painted"); err != nil {
		t.Fatal(err)
	}
	orphan := sc.spec() // which is in the index, without a job
	entry := sc.ownerEntry(orphan)
	spec, err := sc.Spec(lost)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{sc.activePath("", lost), sc.ownerEntry(&spec), filepath.Join(sc.PublishedDir(), Published(done.Spec.ID, "jpeg", false)[0])} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := sc.createEmpty(entry); err != nil {
		t.Fatal(err)
	}
	if err := sc.reconcileAll(time.Now().Add(72 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := sc.entries(); len(got) != 1 || got[0] != lost {
		t.Errorf("active are %v, want %s", got, lost)
	}
	for path, want := range map[string]bool{sc.ownerEntry(&spec): true, entry: false,
		filepath.Join(sc.PublishedDir(), Published(done.Spec.ID, "jpeg", false)[0]): true} {
		if there, err := sc.exists(path); err != nil || there != want {
			t.Errorf("%s: there %t, %v", path, there, err)
		}
	}
}

// All old keys are removed, however many there are.
func TestAllKeysAreForgotten(t *testing.T) {
	sc := newScene(t)
	old := time.Now().Add(-25 * time.Hour)
	const keys = 6000
	for i := range keys {
		path := sc.keyPath(keyHash("anna", string(rune('a'+i%26))+time.Duration(i).String()))
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old))
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := sc.ForgetKeys(t.Context(), "", time.Now())
	if err != nil || p.Count != keys || !p.Done {
		t.Errorf("%+v, %v; want %d", p, err, keys)
	}
	if left, err := filepath.Glob(filepath.Join(sc.dir, keysDir, "*/*/*")); err != nil || len(left) > 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}

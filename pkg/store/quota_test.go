package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// with is another process with the same directory, which holds to quotas.
func (sc scene) with(q Quotas) scene {
	sc.Helper()
	s, err := Open(Config{Dir: sc.dir, Lease: time.Hour, Quotas: q})
	if err != nil {
		sc.Fatal(err)
	}
	sc.Cleanup(func() { _ = s.Close() })
	return scene{sc.T, s, new(job.Spec), new(*Lease)}
}

// submitAs submits a job of an owner's.
func (sc scene) submitAs(owner string) (job.ID, error) {
	spec := sc.spec()
	spec.Owner = owner
	return spec.ID, sc.Create(spec, []byte("picture"), nil)
}

// wantQuota: err says that a quota is used up, which, and what to do.
func wantQuota(t *testing.T, err error, quota string) *QuotaError {
	t.Helper()
	var q *QuotaError
	if !errors.As(err, &q) || !errors.Is(err, job.ErrQuota) || q.Quota != quota || q.After <= 0 || q.Frees == "" {
		t.Fatalf("got %v, want %s to be used up", err, quota)
	}
	return q
}

// eventually asks until there is room: a process that was refused rests for a moment
// before it counts again.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if !errors.Is(err, job.ErrQuota) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestUnfinishedJobsAreBoundedAcrossProcesses(t *testing.T) {
	sc := newScene(t)
	a, b := sc.with(Quotas{Unfinished: 4}), sc.with(Quotas{Unfinished: 4})
	var ids []job.ID
	for i := range 4 {
		id, err := []scene{a, b}[i%2].submitAs("anna")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, process := range []scene{a, b} {
		_, err := process.submitAs("anna")
		if q := wantQuota(t, err, "unfinished_jobs"); q.Limit != 4 || q.Used != 4 {
			t.Errorf("%+v", q)
		}
		if _, err := process.submitAs("ben"); err != nil { // it is nobody else's
			t.Error(err)
		}
		if _, err := process.submitAs(""); err != nil {
			t.Error(err)
		}
	}
	// Whatever ends a job makes room, in every process.
	for i, end := range []func(id job.ID) error{
		func(id job.ID) error { _, err := sc.Cancel(id); return err },
		func(id job.ID) error { return sc.Erase(id, Erased) },
		func(id job.ID) error {
			l, err := sc.Claim(t.Context(), id, 1, "w")
			if err == nil {
				err = paint(l, "x")
			}
			return err
		},
	} {
		if err := end(ids[i]); err != nil {
			t.Fatal(err)
		}
		for _, process := range []scene{a, b} {
			eventually(t, func() error { return process.Admits("anna", "") })
		}
		eventually(t, func() error { _, err := a.submitAs("anna"); return err })
		_, err := b.submitAs("anna")
		wantQuota(t, err, "unfinished_jobs")
	}
	// A retry makes one unfinished too; an operator's is let through.
	_, _, err := a.Retry(ids[0])
	wantQuota(t, err, "unfinished_jobs")
	if _, _, err := a.Redrive(ids[0]); err != nil {
		t.Error(err)
	}
}

// Any number of goroutines of one process stay within a quota, and so do several
// processes but for what DESIGN.md allows them.
func TestQuotasUnderLoad(t *testing.T) {
	const quota, processes, each = 300, 4, 8
	sc := newScene(t)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range processes {
		process := sc.with(Quotas{Unfinished: quota})
		for range each {
			all.Go(func() {
				for {
					if _, err := process.submitAs("anna"); errors.Is(err, job.ErrQuota) {
						return
					} else if err != nil {
						t.Error(err)
						return
					}
					accepted.Add(1)
				}
			})
		}
	}
	all.Wait()
	// What is being accepted may be on the disk already, and is counted twice then: at
	// the limit some are refused that would have had room a moment later.
	least, most := int64(quota-processes*each), int64(quota+processes*(quota/recountFraction+each))
	if n := accepted.Load(); n < least || n > most {
		t.Errorf("%d were accepted of %d, and should be %d to %d", n, quota, least, most)
	}
	t.Logf("%d accepted of %d", accepted.Load(), quota)
}

func TestStoredBytesAreBounded(t *testing.T) {
	sc := newScene(t)
	spec := func() *job.Spec {
		s := sc.spec()
		s.Owner = "anna"
		return s
	}
	picture := make([]byte, 300<<10) // and 96 KiB besides
	a := sc.with(Quotas{Stored: 1})
	first := spec()
	if err := errors.Join(a.Create(first, picture, nil), a.Create(spec(), picture, nil)); err != nil {
		t.Fatal(err)
	}
	q := wantQuota(t, a.Create(spec(), picture, nil), "stored_bytes")
	if q.Limit != 1<<20 || q.Used != 2*int64(first.Charge)<<10 {
		t.Errorf("%+v", q)
	}
	// Another process learns of it from the directory; what was erased is free in all.
	b := sc.with(Quotas{Stored: 1})
	wantQuota(t, b.Create(spec(), picture, nil), "stored_bytes")
	if err := sc.Erase(first.ID, Erased); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return b.Create(spec(), picture, nil) })
	eventually(t, func() error { // a has counted the one before
		if err := a.Create(spec(), picture, nil); !errors.Is(err, job.ErrQuota) {
			t.Fatal(err)
		}
		return nil
	})
	if p, err := sc.Expire(context.Background(), time.Now().Add(2*time.Hour), ""); err != nil || p.Count != 0 {
		t.Fatal(p.Count, err) // none has finished
	}
}

// What is stored of hours long past is counted too, from what another process has
// noted, and anew where something was erased since.
func TestStoredBytesOfOtherHours(t *testing.T) {
	sc := newScene(t)
	long := time.Now().Add(-100 * time.Hour)
	entry := func(at time.Time) string {
		spec := sc.specAt(at)
		spec.Owner, spec.Charge = "anna", 500
		path := sc.ownerEntry(spec)
		if err := sc.makeInFolder(path, func() error { return sc.createEmpty(path) }); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old, yesterday := entry(long), entry(time.Now().Add(-3*time.Hour))
	a := sc.with(Quotas{Stored: 1})
	_, err := a.submitAs("anna")
	wantQuota(t, err, "stored_bytes")
	// Who comes later reads it, and lists no more than an hour or two.
	b := sc.with(Quotas{Stored: 2})
	lists := 0
	var mu sync.Mutex
	b.step = func(op, path string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if op == "open" && strings.Contains(path, "/"+ownersDir+"/") {
			lists++
		}
		return call()
	}
	if _, err := b.submitAs("anna"); err != nil {
		t.Fatal(err)
	}
	b.step = nil
	if lists > 4 { // two hours are open in the first minutes of one
		t.Errorf("%d hours were listed, and what is over was counted already", lists)
	}
	if err := errors.Join(os.Remove(old), os.Remove(yesterday)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := a.submitAs("anna"); return err })

	// A note that somebody has written over is no reason to trust it, nor to fail.
	if err := os.WriteFile(sc.usagePath(ownerFolder("anna")), []byte(`{"v":1,"through":"9999/99/99/99","old_kib":-1e9,"hours":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.with(Quotas{Stored: 2}).submitAs("anna"); err != nil {
		t.Error(err)
	}
}

// specAt is a spec of a job that was made at a time.
func (sc scene) specAt(at time.Time) *job.Spec {
	sc.Helper()
	spec := sc.spec()
	ms := at.UnixMilli()
	spec.ID = job.ID(fmt.Sprintf("%08x-%04x%s", ms>>16, ms&0xffff, spec.ID[13:]))
	if err := checkID(spec.ID); err != nil {
		sc.Fatal(err)
	}
	return spec
}

// A record of use that can't be right, as a worker that was taken over may write it,
// does not count: the owner's jobs are counted again.
func TestBadRecordsOfUseAreCountedAgain(t *testing.T) {
	sc := newScene(t)
	if _, err := sc.with(Quotas{Daily: 2}).submitAs("anna"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	through := hourOf(now.Add(-clockTolerance))
	for _, hours := range []string{
		`"zzzz":{"jobs":1000000000}`,
		`"":{"kib":1000000000}`,
		`"` + hourOf(now.Add(2*time.Hour)) + `":{"jobs":1000000000}`,
		`"9999/12/31/23":{"jobs":1000000000}`,
		`"` + through[:11] + `3":{"jobs":1000000000}`,
		`"` + through + `x":{"jobs":1000000000}`,
		`"` + hourOf(now.Add(-2*time.Hour)) + `":{"jobs":-1}`,
		`"` + hourOf(now.Add(-2*time.Hour)) + `":{"kib":-1}`,
	} {
		record := `{"v":1,"through":"` + through + `","old_kib":0,"hours":{` + hours + `}}`
		if err := os.WriteFile(sc.usagePath(ownerFolder("anna")), []byte(record), 0o600); err != nil {
			t.Fatal(err)
		}
		if p := sc.readUsage(ownerFolder("anna"), now); p != nil {
			t.Errorf("%s is believed", record)
		}
		if err := sc.with(Quotas{Daily: 2}).Admits("anna", "a key of "+hours); err != nil {
			t.Errorf("with %s: %v", record, err)
		}
	}
}

func TestSubmissionsOfADayAreBounded(t *testing.T) {
	sc := newScene(t)
	a := sc.with(Quotas{Daily: 3})
	for i := range 3 {
		spec := sc.spec()
		spec.Owner = "anna"
		if _, _, err := a.CreateOnce(spec, []byte("picture"), nil, fmt.Sprint("key ", i)); err != nil {
			t.Fatal(err)
		}
		if err := a.Erase(spec.ID, Erased); err != nil { // which frees all but this
			t.Fatal(err)
		}
	}
	spec := sc.spec()
	spec.Owner = "anna"
	_, _, err := a.CreateOnce(spec, []byte("picture"), nil, "one more")
	if q := wantQuota(t, err, "daily_submissions"); q.Used != 3 || q.After < 23*time.Hour || q.After > 26*time.Hour {
		t.Errorf("%+v", q)
	}
	if keys, _ := filepath.Glob(filepath.Join(sc.dir, keysDir, "*/*/*")); len(keys) != 0 {
		t.Errorf("keys of erased jobs: %v", keys)
	}
	// Another process knows, and a day later nobody any more.
	b := sc.with(Quotas{Daily: 3})
	_, err = b.submitAs("anna")
	wantQuota(t, err, "daily_submissions")
	later := time.Now().Add(27 * time.Hour)
	if err := sc.reconciled(later); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(sc.dir, "owners/*/*/*/*/*/*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if err := os.RemoveAll(filepath.Join(sc.dir, usageDir, ownerFolder("anna"))); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.with(Quotas{Daily: 3}).submitAs("anna"); err != nil {
		t.Error(err)
	}
}

// Who has no room left hears of the jobs that there are when a request is repeated.
func TestRepeatedRequestNeedsNoRoom(t *testing.T) {
	sc := newScene(t)
	a := sc.with(Quotas{Unfinished: 1})
	first, _, err := a.CreateOnce(sc.spec(), []byte("picture"), nil, "key")
	if err != nil {
		t.Fatal(err)
	}
	j, made, err := a.CreateOnce(sc.spec(), []byte("picture"), nil, "key")
	if err != nil || made || j.ID != first.ID {
		t.Errorf("%v, %t, %v", j.ID, made, err)
	}
	if _, _, err := a.CreateOnce(sc.spec(), []byte("another"), nil, "key"); !errors.Is(err, job.ErrKeyReused) {
		t.Errorf("another request: %v", err)
	}
	if err := errors.Join(a.Admits("", "key")); err != nil {
		t.Errorf("before it is read: %v", err)
	}
	_, _, err = a.CreateOnce(sc.spec(), []byte("picture"), nil, "another key")
	wantQuota(t, err, "unfinished_jobs")
	wantQuota(t, a.Admits("", "another key"), "unfinished_jobs")
	if left := sc.leftovers(); len(left) != 1 { // the entry in active/
		t.Errorf("left behind: %v", left)
	}
}

// What a crash or an error leaves of a submission is counted until it is swept, and
// no longer.
func TestFaultsInSubmissionDoNotUseUpQuotas(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for n, more := 0, true; more; n++ {
				sc := newScene(t)
				a := sc.with(Quotas{Unfinished: 1, Stored: 1, Daily: 1})
				spec := sc.spec()
				spec.Owner = "anna"
				revive := f.at(a, n)
				_, _, err := a.CreateOnce(spec, []byte("picture"), nil, "key")
				more = revive()
				sc.sweep()
				left, gerr := filepath.Glob(filepath.Join(sc.dir, "owners/*/*/*/*/*/*"))
				_, jerr := sc.Job(spec.ID)
				if gerr != nil || (len(left) == 1) != (jerr == nil) {
					t.Errorf("at call %d (%v): charged %v, and the job: %v", n, err, left, jerr)
				}
				if jerr != nil { // else it stands, and is announced by whoever repeats the request
					eventually(t, func() error {
						_, err := sc.with(Quotas{Unfinished: 1, Stored: 1, Daily: 1}).submitAs("anna")
						return err
					})
				}
			}
		})
	}
}

func TestRunsAreBounded(t *testing.T) {
	sc := newScene(t)
	a := sc.with(Quotas{Runs: 20})
	id := sc.create()
	refused := 0
	for range 300 {
		if _, err := a.Cancel(id); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.Retry(id); errors.Is(err, job.ErrTooManyRuns) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	j, err := sc.Job(id)
	if err != nil || j.Run != 20 || refused != 281 {
		t.Errorf("run %d, %d refused, %v", j.Run, refused, err)
	}
	if files, err := os.ReadDir(sc.jobDir(id)); err != nil || len(files) > 48 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if _, _, err := a.Redrive(id); !errors.Is(err, job.ErrTooManyRuns) {
		t.Errorf("an operator: %v", err)
	}
}

// A job that is claimed and given back again and again, as while the store is away now
// and then, does not fill its folder; nor do those who die at it.
func TestClaimsDoNotFillAFolder(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	for i := range 200 {
		l, err := sc.Claim(t.Context(), id, 1, "w")
		if err != nil {
			t.Fatal(i, err)
		}
		if l.Attempt != 1 {
			t.Fatalf("attempt %d after %d that don't count", l.Attempt, i)
		}
		if err := l.Release(false); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sc.jobDir(id), fmt.Sprint(tempPrefix, i)), nil, 0o600); err != nil { // one who died
			t.Fatal(err)
		}
	}
	sc.sweep()
	if files, err := os.ReadDir(sc.jobDir(id)); err != nil || len(files) > 3+claimsKept+1 {
		t.Errorf("%d files, %v", len(files), err)
	}
	// Who comes back from a long stall has lost its lease, and changes nothing.
	l, err := sc.Claim(t.Context(), id, 1, "slow")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * claimsKept {
		sc.expire(id)
		next, err := sc.Claim(t.Context(), id, 1, "quick")
		if err == nil {
			err = next.Release(false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Renew(); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("renewed: %v", err)
	}
	if err := l.Release(true); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("released: %v", err)
	}
	sc.whole(sc.settleAll(id))
}

// With too little room on the disk nothing is submitted; all else goes on.
func TestFloorOfFreeSpace(t *testing.T) {
	sc := newScene(t)
	l := sc.claimed()
	retried := sc.claimed()
	if err := retried.Fail(job.Failure{Code: "gave_up"}); err != nil {
		t.Fatal(err)
	}
	a := sc.with(Quotas{MinFree: 1024})
	asked := 0
	a.step = func(op, _ string, call func() error) error {
		if op != "statfs" {
			return call()
		}
		asked++
		return nil // nothing is free
	}
	for range 3 {
		if _, err := a.submitAs("anna"); !errors.Is(err, job.ErrDiskFull) {
			t.Errorf("submitted: %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("the file system was asked %d times within a second", asked)
	}
	l.store = a.Store
	if err := paint(l, "painted"); err != nil {
		t.Errorf("the worker: %v", err)
	}
	_, _, retryErr := a.Retry(retried.Spec.ID)
	_, cancelErr := a.Cancel(retried.Spec.ID)
	if err := errors.Join(retryErr, cancelErr, a.Erase(l.Spec.ID, Erased)); err != nil {
		t.Error(err)
	}
	if _, err := a.Job(retried.Spec.ID); err != nil {
		t.Error(err)
	}
}

// A job of which nothing can be read any more is erased all the same, and is charged
// to nobody.
func TestDamagedJobIsErased(t *testing.T) {
	for name, damage := range map[string]func(path, others string) error{
		"the spec is a link": func(path, others string) error {
			spec := filepath.Join(path, specFile)
			return errors.Join(os.Remove(spec), os.Symlink(filepath.Join(others, "file"), spec))
		},
		"the spec is removed": func(path, _ string) error { return os.Remove(filepath.Join(path, specFile)) },
		"the folder is a link": func(path, others string) error {
			return errors.Join(os.RemoveAll(path), os.Symlink(others, path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			others := t.TempDir()
			if err := os.WriteFile(filepath.Join(others, "file"), []byte("of somebody else's"), 0o600); err != nil {
				t.Fatal(err)
			}
			id, err := sc.submitAs("anna")
			if err != nil {
				t.Fatal(err)
			}
			l, err := sc.Claim(t.Context(), id, 1, "w")
			if err == nil {
				err = paint(l, "painted")
			}
			if err == nil {
				err = damage(sc.jobDir(id), others)
			}
			if err == nil {
				err = sc.Erase(id, Erased)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
				t.Errorf("the job: %v", err)
			}
			sc.sweep()
			var left []string
			_ = filepath.WalkDir(sc.dir, func(path string, d fs.DirEntry, err error) error {
				if err == nil && strings.Contains(path, string(id)) && !strings.Contains(path, "/"+goneDir+"/") {
					left = append(left, path)
				}
				return nil
			})
			if len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if b, err := os.ReadFile(filepath.Join(others, "file")); err != nil || string(b) != "of somebody else's" {
				t.Errorf("others' file: %q, %v", b, err)
			}
		})
	}
}

// A job of which nothing can be read any more is ended when it is too old, and makes
// room.
func TestDamagedJobEnds(t *testing.T) {
	sc := newScene(t)
	a := sc.with(Quotas{Unfinished: 1})
	id, err := a.submitAs("anna")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{specFile, statusFile} {
		path := filepath.Join(sc.jobDir(id), name)
		if err := errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sc.Job(id); !errors.Is(err, job.ErrDamagedJob) {
		t.Errorf("the job: %v", err)
	}
	if _, err := sc.Fail(id, 1, job.Failure{Code: job.CodeTimedOut}); err != nil {
		t.Fatal(err)
	}
	sc.sweep()
	if j, err := sc.Job(id); err != nil || j.State != job.Failed || j.Error.Code != job.CodeTimedOut || j.Owner != "" {
		t.Errorf("%+v, %v", j, err)
	}
	eventually(t, func() error { return a.Admits("anna", "") })
}

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// withQuotas returns a store on the same directory, as another process with quotas has it.
func (sc scene) withQuotas(q Quotas) scene {
	sc.Helper()
	s, err := Open(Config{Dir: sc.dir, Lease: time.Hour, Quotas: q})
	if err != nil {
		sc.Fatal(err)
	}
	sc.Cleanup(func() { _ = s.Close() })
	return scene{sc.T, s, new(job.Spec), new(*Lease)}
}

// submitAs submits an owner's job.
func (sc scene) submitAs(owner string) (job.ID, error) {
	spec := sc.spec()
	spec.Owner = owner
	return spec.ID, sc.Create(spec, []byte("picture"), nil)
}

// wantQuota checks that an error names the quota that is used up, what makes space, and how long to
// wait.
func wantQuota(t *testing.T, err error, quota string) *QuotaError {
	t.Helper()
	var q *QuotaError
	if !errors.As(err, &q) || !errors.Is(err, job.ErrQuota) || q.Quota != quota || q.After <= 0 || q.Frees == "" {
		t.Fatalf("got %v, want %s to be used up", err, quota)
	}
	return q
}

// eventually calls f until it succeeds: after a refusal a process waits for a moment before it
// counts again.
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
	a, b := sc.withQuotas(Quotas{Unfinished: 4}), sc.withQuotas(Quotas{Unfinished: 4})
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
		if _, err := process.submitAs("ben"); err != nil { // it does not affect other owners
			t.Error(err)
		}
		if _, err := process.submitAs(""); err != nil {
			t.Error(err)
		}
	}
	// Everything that ends a job frees the quota, in every process.
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
	// A retry makes an unfinished job too; an operator's is accepted anyway.
	_, _, err := a.Retry(ids[0])
	wantQuota(t, err, "unfinished_jobs")
	if _, _, err := a.Redrive(ids[0]); err != nil {
		t.Error(err)
	}
}

// Any number of goroutines of one process stay within a quota, and several processes exceed it by
// no more than DESIGN.md allows.
func TestQuotasUnderLoad(t *testing.T) {
	const quota, processes, each = 300, 4, 8
	sc := newScene(t)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range processes {
		process := sc.withQuotas(Quotas{Unfinished: quota})
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
	// A submission that is being accepted may be on the disk already, and then counts twice. So at
	// the limit some are refused that would be accepted a moment later.
	least, most := int64(quota-processes*each), int64(quota+processes*(quota/recountFraction+each))
	if n := accepted.Load(); n < least || n > most {
		t.Errorf("%d were accepted with a quota of %d, want %d to %d", n, quota, least, most)
	}
	t.Logf("%d accepted of %d", accepted.Load(), quota)
}

func TestSubmissionsOfADayAreBounded(t *testing.T) {
	sc := newScene(t)
	a := sc.withQuotas(Quotas{Daily: 3})
	for i := range 3 {
		spec := sc.spec()
		spec.Owner = "anna"
		if _, _, err := a.CreateOnce(spec, []byte("picture"), nil, fmt.Sprint("key ", i)); err != nil {
			t.Fatal(err)
		}
		if err := a.Erase(spec.ID, Erased); err != nil { // which frees all but this one
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
	// Another process counts it, and a day later none does.
	b := sc.withQuotas(Quotas{Daily: 3})
	_, err = b.submitAs("anna")
	wantQuota(t, err, "daily_submissions")
	later := time.Now().Add(27 * time.Hour)
	if err := sc.reconcileAll(later); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(sc.dir, "owners/*/*/*/*/*/*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if err := os.RemoveAll(filepath.Join(sc.dir, usageDir, ownerFolder("anna"))); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.withQuotas(Quotas{Daily: 3}).submitAs("anna"); err != nil {
		t.Error(err)
	}
}

// When the quota is used up, a repeated request still gets its job.
func TestRepeatedRequestIgnoresQuotas(t *testing.T) {
	sc := newScene(t)
	a := sc.withQuotas(Quotas{Unfinished: 1})
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

// What a crash or an error leaves of a submission counts until it is swept, and no longer.
func TestFaultsInSubmissionDoNotUseUpQuotas(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for n, more := 0, true; more; n++ {
				sc := newScene(t)
				a := sc.withQuotas(Quotas{Unfinished: 1, Stored: 1, Daily: 1})
				spec := sc.spec()
				spec.Owner = "anna"
				revive := f.at(a, n)
				_, _, err := a.CreateOnce(spec, []byte("picture"), nil, "key")
				more = revive()
				sc.sweep()
				left, gerr := filepath.Glob(filepath.Join(sc.dir, "owners/*/*/*/*/*/*"))
				_, jerr := sc.Job(spec.ID)
				if gerr != nil || (len(left) == 1) != (jerr == nil) {
					t.Errorf("at call %d (%v): the index has %v, and the job: %v", n, err, left, jerr)
				}
				if jerr != nil { // else it exists, and a repeated request sends its message
					eventually(t, func() error {
						_, err := sc.withQuotas(Quotas{Unfinished: 1, Stored: 1, Daily: 1}).submitAs("anna")
						return err
					})
				}
			}
		})
	}
}

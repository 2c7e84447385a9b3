package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestRunsAreBounded(t *testing.T) {
	sc := newScene(t)
	a := sc.withQuotas(Quotas{Runs: 20})
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

// A job that is claimed and given back many times, as when the store is often unavailable, does not
// fill its folder. Processes that crash while they work on it don't fill it either.
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
		if err := os.WriteFile(filepath.Join(sc.jobDir(id), fmt.Sprint(tempPrefix, i)), nil, 0o600); err != nil { // of a process that crashed
			t.Fatal(err)
		}
	}
	sc.sweep()
	if files, err := os.ReadDir(sc.jobDir(id)); err != nil || len(files) > 3+claimsKept+1 {
		t.Errorf("%d files, %v", len(files), err)
	}
	// A worker that continues after a long pause has lost its lease, and changes nothing.
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
	sc.checkFinished(sc.runToEnd(id))
}

// If the disk has too little free space, submissions are refused and everything else continues.
func TestMinimumFreeSpace(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	retried := sc.createAndClaim()
	if err := retried.Fail(job.Failure{Code: "gave_up"}); err != nil {
		t.Fatal(err)
	}
	a := sc.withQuotas(Quotas{MinFree: 1024})
	calls := 0
	a.step = func(op, _ string, call func() error) error {
		if op != "statfs" {
			return call()
		}
		calls++
		return nil // nothing is free
	}
	for range 3 {
		if _, err := a.submitAs("anna"); !errors.Is(err, job.ErrDiskFull) {
			t.Errorf("submitted: %v", err)
		}
	}
	if calls != 1 {
		t.Errorf("the file system was measured %d times within a second", calls)
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

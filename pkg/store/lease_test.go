package store_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func TestOneClaimOfMany(t *testing.T) {
	s := open(t, time.Hour)
	spec := create(t, s)
	const claimers = 32
	leases := make(chan *store.Lease, claimers)
	var all sync.WaitGroup
	for range claimers {
		all.Go(func() {
			l, err := s.Claim(t.Context(), spec.ID, 1, "racer")
			if err == nil {
				leases <- l
			} else if !errors.Is(err, job.ErrBusy) {
				t.Errorf("a loser: %v", err)
			}
		})
	}
	all.Wait()
	close(leases)
	if len(leases) != 1 {
		t.Fatalf("%d of %d hold the lease", len(leases), claimers)
	}
}

func TestExpiredLeaseGoesToASuccessor(t *testing.T) {
	s := open(t, time.Millisecond)
	spec := create(t, s)
	first := claim(t, s, spec.ID)
	old := time.Now().Add(-time.Hour) // in place of waiting
	claims, err := filepath.Glob(filepath.Join(s.Dir(), "jobs/*/*/*/*", string(spec.ID), "claim.1"))
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	if err := os.Chtimes(claims[0], old, old); err != nil {
		t.Fatal(err)
	}
	second := claim(t, s, spec.ID)
	if second.Attempt != 2 {
		t.Errorf("the successor's attempt is %d, want 2", second.Attempt)
	}
	if err := first.Renew(); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the first worker renews: %v", err)
	}
	// Both commit: the first one decides, and the loser's picture is removed.
	if err := second.Succeed([]byte("second"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Succeed([]byte("first"), nil, job.Result{}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the loser: %v", err)
	}
	if err := first.Fail(job.Failure{Code: "late"}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("a late failure: %v", err)
	}
	f, j, err := s.Result(spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, _ := io.ReadAll(f); string(b) != "second" || j.Attempts != 2 {
		t.Errorf("the result is %q after %d attempts", b, j.Attempts)
	}
	if outs, _ := filepath.Glob(filepath.Join(filepath.Dir(claims[0]), "out.*")); len(outs) != 1 {
		t.Errorf("the loser's picture is still there: %v", outs)
	}
}

func TestReleasedJobIsClaimedAtOnce(t *testing.T) {
	s := open(t, time.Hour)
	spec := create(t, s)
	if err := claim(t, s, spec.ID).Release(true); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Job(spec.ID); err != nil || j.State != job.Queued || j.Attempts != 1 {
		t.Errorf("after Release: %+v, %v", j, err)
	}
	l := claim(t, s, spec.ID)
	if l.Attempt != 2 {
		t.Errorf("attempt %d, want 2", l.Attempt)
	}
	if err := l.Release(false); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Job(spec.ID); err != nil || j.Attempts != 1 {
		t.Errorf("after an attempt that does not count: %+v, %v", j, err)
	}
	if l := claim(t, s, spec.ID); l.Attempt != 2 {
		t.Errorf("attempt %d, want 2 again", l.Attempt)
	}
}

// A worker that continues after a pause can't undo the work of its successor.
func TestLateReleaseChangesNothing(t *testing.T) {
	s := open(t, time.Hour)
	spec := create(t, s)
	first := claim(t, s, spec.ID)
	claims, err := filepath.Glob(filepath.Join(s.Dir(), "jobs/*/*/*/*", string(spec.ID), "claim.1"))
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(claims[0], old, old); err != nil {
		t.Fatal(err)
	}
	second := claim(t, s, spec.ID)
	if err := first.Release(true); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("got %v", err)
	}
	if j, err := s.Job(spec.ID); err != nil || j.State != job.Running || j.Attempts != 2 {
		t.Errorf("the job: %+v, %v", j, err)
	}
	if err := second.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if err := second.Release(true); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("a release after the end: %v", err)
	}
}

func TestCancelledClaimGivesTheJobBack(t *testing.T) {
	s := open(t, time.Hour)
	spec := create(t, s)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the worker stops")
	cancel(why)
	if _, err := s.Claim(ctx, spec.ID, 1, "w"); !errors.Is(err, why) {
		t.Fatalf("got %v", err)
	}
	claim(t, s, spec.ID)
}

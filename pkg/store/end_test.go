package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func TestCancel(t *testing.T) {
	s := open(t, time.Hour)
	queued, running, done := create(t, s).ID, create(t, s).ID, create(t, s).ID
	lease := claim(t, s, running)
	if err := claim(t, s, done).Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []job.ID{queued, running} {
		for range 2 { // it can be repeated
			j, err := s.Cancel(id)
			if err != nil || j.State != job.Canceled || j.FinishedAt == nil {
				t.Errorf("%+v, %v", j, err)
			}
		}
		if _, err := s.Claim(t.Context(), id, 1, "w"); !errors.Is(err, job.ErrFinished) {
			t.Errorf("claimed after the cancel: %v", err)
		}
	}
	if err := lease.Renew(); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the worker renews: %v", err)
	}
	if err := lease.Succeed([]byte("late"), nil, job.Result{}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the worker finishes: %v", err)
	}
	if j, err := s.Job(running); err != nil || j.State != job.Canceled || j.Attempts != 1 || j.StartedAt == nil {
		t.Errorf("%+v, %v", j, err)
	}
	if j, err := s.Cancel(done); !errors.Is(err, job.ErrFinished) || j.State != job.Succeeded {
		t.Errorf("a cancel after the end: %+v, %v", j, err)
	}
}

func TestRetryIsTheNextRun(t *testing.T) {
	s := open(t, time.Hour)
	spec := create(t, s)
	if _, _, err := s.Retry(spec.ID); !errors.Is(err, job.ErrNotRetryable) {
		t.Errorf("a queued job: %v", err)
	}
	first := claim(t, s, spec.ID)
	if _, _, err := s.Retry(spec.ID); !errors.Is(err, job.ErrNotRetryable) {
		t.Errorf("a running job: %v", err)
	}
	if _, err := s.Cancel(spec.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // repeated before the run has begun, it is the same retry
		j, _, err := s.Retry(spec.ID)
		if err != nil || j.Run != 2 || j.State != job.Queued || j.Attempts != 0 || j.StartedAt != nil || j.FinishedAt != nil {
			t.Fatalf("%+v, %v", j, err)
		}
	}
	// The first run's worker has not noticed the cancellation, and its message still exists.
	if err := first.Succeed([]byte("first run"), nil, job.Result{}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the first run's worker: %v", err)
	}
	if _, err := s.Claim(t.Context(), spec.ID, 1, "late"); !errors.Is(err, job.ErrFinished) {
		t.Errorf("the first run's message: %v", err)
	}
	if _, err := s.Claim(t.Context(), spec.ID, 3, "early"); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("a run that is not there yet: %v", err)
	}
	l, err := s.Claim(t.Context(), spec.ID, 2, "second")
	if err != nil || l.Attempt != 1 || l.Crashed {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := l.Succeed([]byte("second run"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Job(spec.ID); err != nil || j.Run != 2 || j.State != job.Succeeded {
		t.Errorf("%+v, %v", j, err)
	}
	if _, _, err := s.Retry(spec.ID); !errors.Is(err, job.ErrNotRetryable) {
		t.Errorf("a job that succeeded: %v", err)
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	s, err := store.Open(store.Config{Dir: t.TempDir(), Lease: time.Hour, MaxAttempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	spec := create(t, s)
	if err := claim(t, s, spec.ID).Release(false); err != nil { // does not count
		t.Fatal(err)
	}
	if err := claim(t, s, spec.ID).Release(true); err != nil {
		t.Fatal(err)
	}
	last := claim(t, s, spec.ID)
	if _, err := s.Claim(t.Context(), spec.ID, 1, "other"); !errors.Is(err, job.ErrBusy) {
		t.Errorf("during the last attempt: %v", err)
	}
	if err := last.Release(true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), spec.ID, 1, "w"); !errors.Is(err, job.ErrFinished) {
		t.Fatalf("the attempt beyond the limit: %v", err)
	}
	j, err := s.Job(spec.ID)
	if err != nil || j.State != job.Failed || j.Error == nil || j.Error.Code != job.CodeGaveUp || j.Attempts != 2 ||
		j.StartedAt == nil || !j.StartedAt.Equal(last.Began) {
		t.Errorf("%+v, %v; the last attempt began %s", j, err, last.Began)
	}
}

// Success, failure and cancellation happen at the same moment: one of them is the outcome, and all
// callers get the same one.
func TestOneOutcomeOfMany(t *testing.T) {
	s := open(t, 0)
	for range 30 {
		spec := create(t, s)
		l := claim(t, s, spec.ID)
		outcomes := make([]job.State, 3)
		var all sync.WaitGroup
		all.Go(func() {
			if err := l.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err == nil {
				outcomes[0] = job.Succeeded
			} else if !errors.Is(err, job.ErrLeaseLost) {
				t.Error(err)
			}
		})
		all.Go(func() {
			if j, err := s.Cancel(spec.ID); err == nil {
				outcomes[1] = j.State
			} else if !errors.Is(err, job.ErrFinished) {
				t.Error(err)
			}
		})
		all.Go(func() {
			if j, err := s.Fail(spec.ID, 1, job.Failure{Code: job.CodeTimedOut}); err == nil {
				outcomes[2] = j.State
			} else if !errors.Is(err, job.ErrFinished) {
				t.Error(err)
			}
		})
		all.Wait()
		j, err := s.Job(spec.ID)
		if err != nil {
			t.Fatal(err)
		}
		won := 0
		for i, state := range []job.State{job.Succeeded, job.Canceled, job.Failed} {
			if outcomes[i] != "" {
				won++
				if j.State != state {
					t.Errorf("the job is %s, and %s was reported as its outcome", j.State, state)
				}
			}
		}
		if won != 1 {
			t.Errorf("%d of three have won: %v", won, outcomes)
		}
	}
}

package store

import (
	"errors"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// However often processes crash that work on a job and on others too, the job is not given up.
// Crashes that are known to come from the job do count.
func TestCrashesOfSharedProcessesDoNotCount(t *testing.T) {
	sc := newScene(t)
	id := sc.create()
	for n := range 10 {
		l, err := sc.ClaimShared(t.Context(), id, 1, "w")
		if err != nil || l.Attempt != 1 || l.Crashed != (n > 0) {
			t.Fatalf("death %d: %+v, %v", n, l, err)
		}
		l.Close()
		sc.expire(id)
		c := sc.mustCheckup(id)
		if c.Job.Attempts != 0 || c.Leased {
			t.Errorf("death %d: %d attempts, leased %t", n, c.Job.Attempts, c.Leased)
		}
	}
	l, err := sc.ClaimShared(t.Context(), id, 1, "w")
	if err == nil {
		err = l.Blame()
	}
	if err != nil {
		t.Fatal(err)
	}
	if c := sc.mustCheckup(id); c.Job.Attempts != 1 || c.Leased {
		t.Errorf("after it was blamed: %+v", c)
	}
	for attempt := 2; attempt <= DefaultMaxAttempts; attempt++ {
		l, err := sc.Claim(t.Context(), id, 1, "alone")
		if err != nil || l.Attempt != attempt || !l.Crashed {
			t.Fatalf("alone: %+v, %v; want attempt %d", l, err, attempt)
		}
		l.Close()
		sc.expire(id)
	}
	if _, err := sc.Claim(t.Context(), id, 1, "w"); !errors.Is(err, job.ErrGaveUp) {
		t.Errorf("%v, want ErrGaveUp", err)
	}
}

// mustCheckup returns the sweeper's checkup of an unfinished job.
func (sc scene) mustCheckup(id job.ID) Checkup {
	sc.Helper()
	c, err := sc.Checkup(EntryOf(job.Job{ID: id}), time.Now(), time.Hour)
	if err != nil {
		sc.Fatal(err)
	}
	return c
}

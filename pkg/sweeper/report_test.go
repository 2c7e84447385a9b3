package sweeper_test

import (
	"errors"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

func TestReport(t *testing.T) {
	st := newStreet(t)
	var reports []sweeper.Report
	st.sweep.Swept = func(r sweeper.Report) { reports = append(reports, r) }
	for range 3 {
		st.submit(20*time.Minute, false) // lost by the queue
	}
	st.submit(maxAge+time.Hour, false) // too old
	old := st.submit(49*time.Hour, false)
	if _, err := st.store.Cancel(old); err != nil {
		t.Fatal(err)
	}
	over := st.submit(time.Minute, false)
	if _, err := st.store.Cancel(over); err != nil {
		t.Fatal(err)
	}
	if err := st.dead.Send(t.Context(), job.Message{Job: over, Run: 1}); err != nil {
		t.Fatal(err)
	}
	st.sweeps(3)
	if len(reports) != 3 {
		t.Fatalf("%d reports: %+v", len(reports), reports)
	}
	var sum sweeper.Report
	for _, r := range reports {
		sum.Resent, sum.Dead, sum.TimedOut, sum.Expired = sum.Resent+r.Resent, sum.Dead+r.Dead, sum.TimedOut+r.TimedOut, sum.Expired+r.Expired
		if r.Err != nil || r.Took <= 0 || r.Unfinished != 3 {
			t.Errorf("got %+v", r)
		}
	}
	if sum != (sweeper.Report{Resent: 3, Dead: 1, TimedOut: 1, Expired: sum.Expired}) {
		t.Errorf("in all: %+v", sum)
	}

	// It is not this process's turn: there is no sweep to report.
	if err := st.sweep.Sweep(t.Context()); err != nil || len(reports) != 3 {
		t.Errorf("%v, %d reports", err, len(reports))
	}
	away := errors.New("the queue is away")
	st.queue.Break(away)
	st.age("sweep/turn.*", every)
	if err := st.sweep.Sweep(t.Context()); !errors.Is(err, away) || len(reports) != 4 || !errors.Is(reports[3].Err, away) {
		t.Errorf("%v, reports %+v", err, reports)
	}
}

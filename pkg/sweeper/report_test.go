package sweeper_test

import (
	"errors"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

func TestReport(t *testing.T) {
	st := newSweepTest(t)
	var reports []sweeper.Report
	st.sweep.Swept = func(r sweeper.Report) { reports = append(reports, r) }
	for range 3 {
		st.submit(20*time.Minute, false) // its message is lost
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
		t.Errorf("total: %+v", sum)
	}

	// It is not this process's turn, so there is no report.
	if err := st.sweep.Sweep(t.Context()); err != nil || len(reports) != 3 {
		t.Errorf("got %v and %d reports", err, len(reports))
	}
	unavailable := errors.New("the queue is unavailable")
	st.queue.Break(unavailable)
	st.age("sweep/turn.*", every)
	if err := st.sweep.Sweep(t.Context()); !errors.Is(err, unavailable) || len(reports) != 4 || !errors.Is(reports[3].Err, unavailable) {
		t.Errorf("got %v and reports %+v", err, reports)
	}
}

package sweeper

import (
	"testing"
	"time"
)

// The rate at which the backlog shrinks follows from passes through all jobs, not from sweeps,
// because a pass may take several.
func TestRateBetweenPasses(t *testing.T) {
	now := time.Date(2026, 11, 30, 4, 59, 0, 0, time.UTC)
	m := jobsProgress{Unfinished: 1600, CountedAt: now.Add(-4 * time.Minute), Counted: 1000, CountedLate: 7, Cursor: "2026-11-30-04-58/x"}
	if m.completePass(now); m.Backlog.PerSecond != 2.5 || m.Unfinished != 1000 || m.Late != 7 || m.Cursor != "" || !m.CountedAt.Equal(now) {
		t.Errorf("after a pass of 4 minutes: %+v", m)
	}
	if m.completePass(now.Add(2 * time.Hour)); m.Backlog.PerSecond != 0 {
		t.Errorf("after a pause: %g a second", m.Backlog.PerSecond)
	}
}

package sweeper

import (
	"testing"
	"time"
)

// How fast a backlog becomes shorter is told by rounds through all jobs, not by sweeps: a round may take several.
func TestRateBetweenRounds(t *testing.T) {
	now := time.Date(2026, 11, 30, 4, 59, 0, 0, time.UTC)
	m := jobsMemory{Unfinished: 1600, CountedAt: now.Add(-4 * time.Minute), Counted: 1000, CountedLate: 7, Cursor: "2026-11-30-04-58/x"}
	if m.complete(now); m.Backlog.PerSecond != 2.5 || m.Unfinished != 1000 || m.Late != 7 || m.Cursor != "" || !m.CountedAt.Equal(now) {
		t.Errorf("after a round of 4 minutes: %+v", m)
	}
	if m.complete(now.Add(2 * time.Hour)); m.Backlog.PerSecond != 0 {
		t.Errorf("after a pause: %g a second", m.Backlog.PerSecond)
	}
}

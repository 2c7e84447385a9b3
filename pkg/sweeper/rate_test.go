package sweeper

import (
	"testing"
	"time"
)

// How fast a backlog becomes shorter is told by rounds through all jobs, not by sweeps: a round may take several.
func TestRateBetweenRounds(t *testing.T) {
	now := time.Date(2026, 11, 30, 4, 59, 0, 0, time.UTC)
	s := &Sweeper{Config: Config{Times: Times{MaxAge: time.Hour}}}
	m := jobsMemory{Unfinished: 1600, CountedAt: now}
	for sweep := range 4 { // of one round
		now = now.Add(time.Minute)
		m.Counted = 250 * (sweep + 1)
		if b := s.backlog(&m, now); b.PerSecond != 0 || b.Unfinished != 1600 {
			t.Errorf("after sweep %d: %+v", sweep, b)
		}
	}
	m.counted(now)
	if b := s.backlog(&m, now.Add(time.Minute)); b.PerSecond != 2.5 || b.Unfinished != 1000 {
		t.Errorf("after the round: %+v", b)
	}
	if b := s.backlog(&m, now.Add(2*time.Hour)); b.PerSecond != 0 {
		t.Errorf("long after: %+v", b)
	}
	m.CountedAt = now.Add(-2 * time.Hour)
	if m.counted(now); m.PerSecond != 0 {
		t.Errorf("%g a second since long ago", m.PerSecond)
	}
}

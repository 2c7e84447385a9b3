package sweeper

import "time"

// lateAge is how long a job that no worker is at may have waited before it is late: half of its time is over.
func (s *Sweeper) lateAge() time.Duration { return s.MaxAge / 2 }

// renewBacklog has the backlog stand that was counted last, where the sweeps since have died, before this one may die
// too. It is the best that is known, until all jobs of then have ended.
func (s *Sweeper) renewBacklog(m *jobsMemory, now time.Time) error {
	if now.Sub(m.Backlog.At) < 2*s.Every || now.Sub(m.CountedAt) > s.MaxAge {
		return nil
	}
	m.Backlog.At = now
	return s.Store.SetBacklog(m.Backlog)
}

// complete notes that a round through all jobs is over. By how much their number has changed is known between two
// rounds, however many sweeps each takes.
func (m *jobsMemory) complete(now time.Time) {
	m.Backlog.PerSecond = 0
	if since := now.Sub(m.CountedAt); since > 0 && since < time.Hour {
		m.Backlog.PerSecond = float64(m.Unfinished-m.Counted) / since.Seconds()
	}
	m.Cursor, m.Unfinished, m.Late, m.CountedAt = "", m.Counted, m.CountedLate, now
}

package sweeper

import "time"

// lateAge is the age from which a job without a lease is late: half of its time is over.
func (s *Sweeper) lateAge() time.Duration { return s.MaxAge / 2 }

// renewBacklog stores the last known backlog again if the processes of all sweeps since then have
// died, in case this one dies too. It is the best estimate until all jobs of that time have ended.
func (s *Sweeper) renewBacklog(m *jobsProgress, now time.Time) error {
	if now.Sub(m.Backlog.At) < 2*s.Every || now.Sub(m.CountedAt) > s.MaxAge {
		return nil
	}
	m.Backlog.At = now
	return s.Store.SetBacklog(m.Backlog)
}

// completePass records the end of a pass through all jobs. The rate of change follows from two
// complete passes, however many sweeps each took.
func (m *jobsProgress) completePass(now time.Time) {
	m.Backlog.PerSecond = 0
	if since := now.Sub(m.CountedAt); since > 0 && since < time.Hour {
		m.Backlog.PerSecond = float64(m.Unfinished-m.Counted) / since.Seconds()
	}
	m.Cursor, m.Unfinished, m.Late, m.CountedAt = "", m.Counted, m.CountedLate, now
}

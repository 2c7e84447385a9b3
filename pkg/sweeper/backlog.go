package sweeper

import (
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// lateAge is how long a job that no worker is at may have waited before it is late: until then a worker that comes
// has as much time for it as it has waited.
func (s *Sweeper) lateAge() time.Duration { return s.MaxAge / 2 }

// backlog is what waits, as far as it is known: by the last round through all jobs or, where more were seen already, by
// the present one. What was counted longer ago than the maximum age has ended, whatever it was.
func (s *Sweeper) backlog(m *jobsMemory, now time.Time) store.Backlog {
	if now.Sub(m.CountedAt) > s.MaxAge {
		return store.Backlog{At: now, Unfinished: m.Counted, Late: m.CountedLate}
	}
	return store.Backlog{At: now, Unfinished: max(m.Unfinished, m.Counted), Late: max(m.Late, m.CountedLate), PerSecond: m.PerSecond}
}

// counted notes that a round through all jobs is over. Their number changes between two rounds alone, however many
// sweeps each takes.
func (m *jobsMemory) counted(now time.Time) {
	m.PerSecond = 0
	if since := now.Sub(m.CountedAt); since > 0 && since < time.Hour {
		m.PerSecond = float64(m.Unfinished-m.Counted) / since.Seconds()
	}
	m.Cursor, m.Unfinished, m.Late, m.CountedAt = "", m.Counted, m.CountedLate, now
}

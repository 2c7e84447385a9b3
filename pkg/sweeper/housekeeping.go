package sweeper

import (
	"context"
	"errors"
	"time"
)

const (
	// tempAge is how old a temporary file must be to be one of a dead process.
	// One of a process that was merely stalled may go too: it looks again.
	tempAge = 5 * time.Minute
	// keepEvery is how often to do what grows with the number of jobs there are.
	keepEvery = time.Hour
	// expireBatch is how many jobs one sweep removes. Each costs some forty calls of
	// the file server.
	expireBatch = 500
	// graveTime is how long an erased job's address answers that it is gone.
	graveTime = 90 * 24 * time.Hour
)

// housekeeping removes what is over, and stops between two jobs when ctx ends.
func (s *Sweeper) housekeeping(ctx context.Context, now time.Time, m *memory) error {
	err := errors.Join(s.Store.EndErasures(ctx), s.Store.CleanUp(ctx, now, tempAge))
	if age := now.Sub(m.Kept); age >= 0 && age < keepEvery || ctx.Err() != nil {
		return err
	}
	expired, xerr := s.Store.Expire(ctx, now.Add(-s.Retention), expireBatch)
	s.report.Expired = expired
	if expired > 0 {
		s.Log.Info("retention applied", "jobs", expired)
	}
	since := m.Kept
	if m.Kept.IsZero() {
		since = now.Add(-24 * time.Hour) // the first time; what is older is somebody else's leftovers
	}
	err = errors.Join(err, xerr, s.Store.CleanDrafts(ctx, since.Add(-time.Hour), now, stale), s.Store.ForgetKeys(ctx, now), s.Store.ForgetUploads(ctx, now), s.Store.ForgetSubmissions(ctx, since, now), s.Store.Forget(ctx, now.Add(-s.Retention-graveTime)))
	if expired < expireBatch && ctx.Err() == nil {
		m.Kept = now // else the next sweep goes on
	}
	return err
}

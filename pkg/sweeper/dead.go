package sweeper

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// What one sweep takes from the dead-letter queue. What it leaves there, for a
// person to look at, is out of its way for deadAside.
const (
	deadBatches = 10
	deadBatch   = 10
	deadAside   = 15 * time.Minute
)

// dead reads the dead-letter queue. The queue counts receipts, of which an outage
// costs many; what counts is attempts. So an unfinished job whose attempts are not
// used up is sent again, until it is too old, and else it fails. The message of one
// that is finished is dropped. What is no message of ours, or of an unknown job,
// stays.
func (s *Sweeper) dead(ctx context.Context, now time.Time) error {
	if s.Dead == nil {
		return nil
	}
	var errs []error
	for range deadBatches {
		ds, err := s.Dead.Receive(ctx, deadBatch, 0, deadAside)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, d := range ds {
			if done, err := s.bury(ctx, d, now); err != nil {
				errs = append(errs, err)
			} else if done {
				s.report.Dead++
				errs = append(errs, s.Dead.Delete(ctx, d))
			}
		}
		if len(ds) == 0 {
			break
		}
	}
	return errors.Join(errs...)
}

// bury says whether a dead message is done with.
func (s *Sweeper) bury(ctx context.Context, d job.Delivery, now time.Time) (bool, error) {
	m, err := job.DecodeMessage(d.Body)
	if err != nil {
		s.Log.Error("a message that is not ours is in the dead-letter queue: look at it and delete it", "message", d.ID, "error", err)
		return false, nil
	}
	j, err := s.Store.Job(m.Job)
	switch {
	case errors.Is(err, job.ErrGone):
		return true, nil
	case errors.Is(err, job.ErrNotFound):
		s.Log.Error("a message of an unknown job is in the dead-letter queue: look at it and delete it", "message", d.ID, "job", m.Job)
		return false, nil
	case err != nil:
		return false, err
	case j.State.Finished() || j.Run != m.Run:
		return true, nil
	}
	if err := s.Store.Activate(store.EntryOf(j)); err != nil {
		return false, err
	}
	c, err := s.Store.Checkup(store.EntryOf(j), now, stale)
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone):
		return true, nil
	case err != nil:
		return false, err
	case c.Leased:
		return false, nil // it may end well yet; the message is looked at again
	case c.Job.Attempts < s.Store.MaxAttempts():
		return true, s.send(ctx, "the queue gave it up", []job.Job{c.Job})
	}
	_, err = s.Store.Fail(m.Job, m.Run, job.Failure{
		Code: job.CodeGaveUp, Message: "given up, since no worker could finish it; a retry may help",
	})
	if errors.Is(err, job.ErrFinished) {
		err = nil
	}
	return err == nil, err
}

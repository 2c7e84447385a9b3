package sweeper

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// How the dead-letter queue is read: by several receivers, in batches. What a sweep leaves there, for a
// person to look at, is out of its way for deadAside.
const (
	deadReceivers = 8
	deadBatch     = 10
	deadAside     = 15 * time.Minute
)

// dead reads the dead-letter queue, until it is empty or ctx ends. The queue counts receipts, of which an outage
// costs many; what counts is attempts. So an unfinished job whose attempts are not
// used up is sent again, until it is too old, and else it fails. The message of one
// that is finished is dropped. What is no message of ours, or of an unknown job,
// stays.
func (s *Sweeper) dead(ctx context.Context, now time.Time) error {
	if s.Dead == nil {
		return nil
	}
	errs := make([]error, deadReceivers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.receiveDead(ctx, now) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Sweeper) receiveDead(ctx context.Context, now time.Time) error {
	var errs failures
	for ctx.Err() == nil {
		ds, err := s.Dead.Receive(ctx, deadBatch, 0, deadAside)
		if err != nil {
			errs.add(err)
			break
		}
		for _, d := range ds {
			if done, err := s.bury(ctx, d, now); err != nil {
				errs.add(err)
			} else if done {
				s.buried.Add(1)
				errs.add(s.Dead.Delete(ctx, d))
			}
		}
		if len(ds) == 0 || errs.away {
			break
		}
	}
	return errs.join()
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

package sweeper

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// The dead-letter queue is read by several receivers in batches. Messages that are left for an
// operator are hidden for deadLetterVisibility.
const (
	deadLetterReceivers  = 8
	deadLetterBatch      = 10
	deadLetterVisibility = 15 * time.Minute
)

// readDeadLetters reads the dead-letter queue until it is empty or ctx ends. An outage causes many
// receives, but only attempts count: an unfinished job that has attempts left is sent again; if it
// has none left, it fails. The message of a job that is running stays for a later sweep, and that
// of a finished job is deleted. A message that is not of Atelier, or is of an unknown job, stays
// for an operator.
func (s *Sweeper) readDeadLetters(ctx context.Context, now time.Time) error {
	if s.Dead == nil {
		return nil
	}
	errs := make([]error, deadLetterReceivers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.receiveDeadLetters(ctx, now) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Sweeper) receiveDeadLetters(ctx context.Context, now time.Time) error {
	var errs errorList
	for ctx.Err() == nil {
		ds, err := s.Dead.Receive(ctx, deadLetterBatch, 0, deadLetterVisibility)
		if err != nil {
			errs.add(err)
			break
		}
		for _, d := range ds {
			if done, err := s.handleDeadLetter(ctx, d, now); err != nil {
				errs.add(err)
			} else if done {
				s.deadLetters.Add(1)
				errs.add(s.Dead.Delete(ctx, d))
			}
		}
		if len(ds) == 0 || errs.storeUnavailable {
			break
		}
	}
	return errs.join()
}

// handleDeadLetter does what a dead letter requires, and reports whether it can be deleted.
func (s *Sweeper) handleDeadLetter(ctx context.Context, d job.Delivery, now time.Time) (bool, error) {
	m, err := job.DecodeMessage(d.Body)
	if err != nil {
		s.Log.Error("the dead-letter queue has a message that names no job: inspect and delete it", "message", d.ID, "error", err)
		return false, nil
	}
	j, err := s.Store.Job(m.Job)
	switch {
	case errors.Is(err, job.ErrGone):
		return true, nil
	case errors.Is(err, job.ErrNotFound):
		s.Log.Error("the dead-letter queue has a message of an unknown job: inspect and delete it", "message", d.ID, "job", m.Job)
		return false, nil
	case err != nil:
		return false, err
	case j.State.Finished() || j.Run != m.Run:
		return true, nil
	}
	if err := s.Store.Activate(store.EntryOf(j)); err != nil {
		return false, err
	}
	c, err := s.Store.Checkup(store.EntryOf(j), now, abandonedAge)
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone):
		return true, nil
	case err != nil:
		return false, err
	case c.Leased:
		return false, nil // its worker may succeed; the message is read again later
	case c.Job.Attempts < s.Store.MaxAttempts():
		return true, s.resend(ctx, "its message became a dead letter", []job.Job{c.Job})
	}
	_, err = s.Store.Fail(m.Job, m.Run, job.Failure{
		Code: job.CodeGaveUp, Message: "given up, since no worker could finish it; a retry may help",
	})
	switch {
	case errors.Is(err, job.ErrFinished):
		return true, nil
	case err != nil:
		return false, err
	}
	s.Log.Warn("failed: its message became a dead letter and its attempts are used up", "job", m.Job, "run", m.Run, "code", job.CodeGaveUp)
	return true, nil
}

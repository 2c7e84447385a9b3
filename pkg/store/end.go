package store

import (
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
)

// Cancel ends a job's run on request. A job that waits is never started; the
// work of one that runs is thrown away. A job that is canceled already stays so.
// job.ErrFinished: it has ended another way, and the job answered says how.
func (s *Store) Cancel(id job.ID) (job.Job, error) {
	j, err := s.endRunByID(id, 0, func(r *record) { r.State, r.FinishedAt = job.Canceled, utcNow() })
	if errors.Is(err, job.ErrFinished) && j.State == job.Canceled {
		err = nil
	}
	if err != nil {
		return j, fmt.Errorf("cancel job %s: %w", id, err)
	}
	return j, nil
}

// Fail ends a run of a job from outside, for a reason that the user is shown.
// job.ErrFinished: the run has ended, and the job answered says how.
func (s *Store) Fail(id job.ID, run int, f job.Failure) (job.Job, error) {
	j, err := s.endRunByID(id, run, func(r *record) { fail(r, f) })
	if err != nil {
		return j, fmt.Errorf("fail job %s: %w", id, err)
	}
	return j, nil
}

// endRun ends a run from outside, whoever holds its lease; run 0 is the current
// one.
func (s *Store) endRunByID(id job.ID, run int, change func(*record)) (job.Job, error) {
	for range maxConflicts {
		l, err := s.openJobFolder(id)
		if err != nil {
			return job.Job{}, err
		}
		j, err := s.tryEndRun(l, run, change)
		l.close()
		if !errors.Is(err, errConflict) {
			return j, err
		}
	}
	return job.Job{}, fmt.Errorf("%w: others keep changing it", job.ErrBusy)
}

// quarrels is how often to look again where somebody else was quicker. Each time
// means that an event has happened, of which a job has few.
const maxConflicts = 10

func (s *Store) tryEndRun(l *jobFolder, run int, change func(*record)) (job.Job, error) {
	if l.ended || run != 0 && run != l.run {
		r, err := s.latestEvent(l)
		if err != nil {
			return job.Job{}, err
		}
		return r.public(), fmt.Errorf("%w: it is %s in run %d", job.ErrFinished, r.State, r.Run)
	}
	r, err := s.endRun(l, run != 0, change)
	if err != nil {
		return job.Job{}, err
	}
	return r.public(), nil
}

// end ends the current run of a job from outside: the caller may be anybody.
// change says how, and anyway that it is to end even if nothing can be read of it any
// more; errTaken where somebody else ended it meanwhile.
func (s *Store) endRun(l *jobFolder, anyway bool, change func(*record)) (*record, error) {
	r, err := s.latestEvent(l)
	if errors.Is(err, errUnreadable) && anyway {
		// Somebody must be able to end what nobody can work on, and then to erase it.
		r, err = &record{Job: job.Job{
			ID: l.id, State: job.Queued, Run: l.run, Format: job.OutputFormats[0], CreatedAt: l.id.Time(),
		}, Claim: l.claim}, nil
		if status, serr := s.readRecord(l.id, statusFile); serr == nil && status.Run == l.run && !status.State.Finished() {
			r = status
		}
	}
	if err != nil {
		return nil, err
	}
	r.Token = newRecord(job.Job{}).Token
	change(r)
	return r, s.commitOutcome(l, r, unchecked)
}

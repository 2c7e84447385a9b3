package store

import (
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
)

// Cancel ends a job's current run for its owner, and returns the job. A queued job is not started;
// the work of a running one is discarded. It is no error if the job is canceled already.
// job.ErrFinished: the run has another outcome, which the returned job shows. job.ErrBusy: other
// processes keep changing the job, and the call can be repeated. The other errors are those of
// [Store.Job].
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

// Fail ends a run of a job as failed, for another process than its worker, with a reason that the
// user is shown. It ends the run even if the job's records are damaged. job.ErrFinished: the run
// has ended, and the returned job shows its outcome. The other errors are those of [Store.Cancel].
func (s *Store) Fail(id job.ID, run int, f job.Failure) (job.Job, error) {
	j, err := s.endRunByID(id, run, func(r *record) { setFailed(r, f) })
	if err != nil {
		return j, fmt.Errorf("fail job %s: %w", id, err)
	}
	return j, nil
}

// endRunByID ends a run, whichever worker holds its lease. Run 0 is the current one.
func (s *Store) endRunByID(id job.ID, run int, change func(*record)) (job.Job, error) {
	for range maxConflicts {
		f, err := s.openJobFolder(id)
		if err != nil {
			return job.Job{}, err
		}
		j, err := s.tryEndRun(f, run, change)
		f.close()
		if !errors.Is(err, errConflict) {
			return j, err
		}
	}
	return job.Job{}, fmt.Errorf("%w: other processes keep changing it", job.ErrBusy)
}

// maxConflicts is how often an operation is tried if another process is first each time. Each such
// try means that an event of the job has happened, and a job has few events.
const maxConflicts = 10

func (s *Store) tryEndRun(f *jobFolder, run int, change func(*record)) (job.Job, error) {
	if f.ended || run != 0 && run != f.run {
		r, err := s.latestEvent(f)
		if err != nil {
			return job.Job{}, err
		}
		return r.public(), fmt.Errorf("%w: it is %s in run %d", job.ErrFinished, r.State, r.Run)
	}
	r, err := s.endRun(f, run != 0, change)
	if err != nil {
		return job.Job{}, err
	}
	return r.public(), nil
}

// endRun ends the current run of a job. change sets the outcome in the job's latest record. If
// evenDamaged is set, it also ends a run whose records are unreadable. errConflict: the run was
// ended meanwhile.
func (s *Store) endRun(f *jobFolder, evenDamaged bool, change func(*record)) (*record, error) {
	r, err := s.latestEvent(f)
	if errors.Is(err, errUnreadable) && evenDamaged {
		// A damaged job can't be worked on. It must be possible to end it, so that it can be
		// erased.
		r, err = &record{Job: job.Job{
			ID: f.id, State: job.Queued, Run: f.run, Format: job.OutputFormats[0], CreatedAt: f.id.Time(),
		}, Claim: f.claim}, nil
		if status, serr := s.readRecord(f.id, statusFile); serr == nil && status.Run == f.run && !status.State.Finished() {
			r = status
		}
	}
	if err != nil {
		return nil, err
	}
	r.Token = newRecord(job.Job{}).Token
	change(r)
	return r, s.commitOutcome(f, r, unchecked)
}

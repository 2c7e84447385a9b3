package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Retry begins the next run of a job that failed or was canceled. The caller then sends the
// message. A job that was retried already and has had no attempt since is returned unchanged, so a
// retry can be repeated; made is whether this call has begun the run.
//
// job.ErrNotRetryable: the job is in another state. job.ErrTooManyRuns: a further run would exceed
// the limit. job.ErrQuota, in a [QuotaError]: the owner has too many unfinished jobs.
// job.ErrDiskFull. job.ErrBusy: other processes keep changing the job, or its retention has just
// ended. The other errors are those of [Store.Job].
func (s *Store) Retry(id job.ID) (j job.Job, made bool, err error) {
	return s.retryRun(id, s.quotas.Unfinished != 0)
}

// Redrive is Retry for an operator: the owner's quota of unfinished jobs does not apply, the limit
// of runs does.
func (s *Store) Redrive(id job.ID) (j job.Job, made bool, err error) {
	return s.retryRun(id, false)
}

func (s *Store) retryRun(id job.ID, counted bool) (j job.Job, made bool, err error) {
	for range maxConflicts {
		j, made, err = s.tryRetry(id, counted)
		if errors.Is(err, errConflict) {
			continue
		}
		if err != nil {
			err = fmt.Errorf("retry job %s: %w", id, asDiskFull(err))
		}
		return j, made, err
	}
	return job.Job{}, false, fmt.Errorf("retry job %s: %w: other processes keep changing it", id, job.ErrBusy)
}

func (s *Store) tryRetry(id job.ID, counted bool) (j job.Job, made bool, err error) {
	f, err := s.openJobFolder(id)
	if err != nil {
		return j, false, err
	}
	defer f.close()
	last, err := s.latestEvent(f)
	if err != nil {
		return j, false, err
	}
	entry := s.activePath(last.Owner, id)
	switch {
	case last.State == job.Queued && last.Run > 1 && last.Attempts == 0:
		return last.public(), false, s.activate(entry)
	case last.State != job.Failed && last.State != job.Canceled:
		return last.public(), false, fmt.Errorf("%w: it is %s", job.ErrNotRetryable, last.State)
	case s.quotas.Runs != 0 && f.run >= s.quotas.Runs:
		return last.public(), false, fmt.Errorf("%w: %d", job.ErrTooManyRuns, f.run)
	}
	spec, err := s.spec(id)
	if err == nil && spec.Owner != last.Owner {
		err = fmt.Errorf("%w: its owner is %.40q in its spec, and %.40q in its records", errUnreadable, spec.Owner, last.Owner)
	}
	if err != nil {
		return j, false, err
	}
	if counted {
		done, err := s.reserve(spec.Owner, spec.ID, use{unfinished: 1}, use{})
		if err != nil {
			return last.public(), false, err
		}
		defer func() { done(made) }()
	}
	r := newRecord(spec.New())
	r.Run, r.Claim = f.run+1, f.claim
	// The entry in active/ is made before the run, so that the sweeper finds a run whose process
	// dies, but after the run's temporary file: see deactivate.
	activate := func(time.Time) error { return s.activate(entry) }
	if err := s.recordEvent(f.dir, runFile(r.Run), r, activate); !eventExists(err) {
		return j, false, err
	}
	if err := s.checkInPlace(id); err != nil {
		return j, false, err
	}
	return r.public(), true, s.activate(entry)
}

// checkInPlace returns job.ErrBusy if a job was retried while the retention removed it. The
// retention moves a retried job back, but it may have listed the folder before an NFS client made
// the link there, by a handle that the client had looked up earlier.
func (s *Store) checkInPlace(id job.ID) error {
	err := s.refresh(s.jobsFolder(id))
	if err != nil {
		return err
	}
	there, err := s.exists(s.jobDir(id))
	if err == nil && !there {
		err = fmt.Errorf("%w: its retention is over", job.ErrBusy) // a further call returns the job's new state
	}
	return err
}

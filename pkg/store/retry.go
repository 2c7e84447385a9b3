package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Retry lets a job that failed or was canceled run again, as its next run, which
// the caller announces on the queue. A job that was retried already and has not
// been begun is answered as it is, so that a retry can be repeated; made says whether
// this call made the run.
//
// job.ErrNotRetryable: it is in another state. job.ErrTooManyRuns: there is no next
// run. job.ErrQuota, in a [QuotaError]: its owner has too many jobs unfinished.
func (s *Store) Retry(id job.ID) (j job.Job, made bool, err error) {
	return s.retryRun(id, s.quotas.Unfinished != 0)
}

// Redrive is Retry by an operator, for whom an owner's quota is no reason to wait.
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
	return job.Job{}, false, fmt.Errorf("retry job %s: %w: others keep changing it", id, job.ErrBusy)
}

func (s *Store) tryRetry(id job.ID, counted bool) (j job.Job, made bool, err error) {
	l, err := s.openJobFolder(id)
	if err != nil {
		return j, false, err
	}
	defer l.close()
	last, err := s.latestEvent(l)
	if err != nil {
		return j, false, err
	}
	entry := s.activePath(last.Owner, id)
	switch {
	case last.State == job.Queued && last.Run > 1 && last.Attempts == 0:
		return last.public(), false, s.activate(entry)
	case last.State != job.Failed && last.State != job.Canceled:
		return last.public(), false, fmt.Errorf("%w: it is %s", job.ErrNotRetryable, last.State)
	case s.quotas.Runs != 0 && l.run >= s.quotas.Runs:
		return last.public(), false, fmt.Errorf("%w: %d", job.ErrTooManyRuns, l.run)
	}
	spec, err := s.spec(id)
	if err == nil && spec.Owner != last.Owner {
		err = fmt.Errorf("%w: it is %.40q's by its spec, and %.40q's by its records", errUnreadable, spec.Owner, last.Owner)
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
	r.Run, r.Claim = l.run+1, l.claim
	// The entry in active/ before the run, so that a crash between them is noticed,
	// but after the run's temporary file: see deactivate.
	activate := func(time.Time) error { return s.activate(entry) }
	if err := s.recordEvent(l.dir, runFile(r.Run), r, activate); !eventExists(err) {
		return j, false, err
	}
	if err := s.checkInPlace(id); err != nil {
		return j, false, err
	}
	return r.public(), true, s.activate(entry)
}

// stays is an error where the retention has taken a job away that was just retried. It puts back what it finds to be retried,
// but an NFS client's link may come into the folder after that was listed, by a handle that the client had looked up before.
func (s *Store) checkInPlace(id job.ID) error {
	err := s.refresh(s.jobsFolder(id))
	if err != nil {
		return err
	}
	there, err := s.exists(s.jobDir(id))
	if err == nil && !there {
		err = fmt.Errorf("%w: its retention is over", job.ErrBusy) // whoever asks again hears what has become of it
	}
	return err
}

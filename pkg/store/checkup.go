package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Checkup is the state of an active job for the sweeper.
type Checkup struct {
	Job         job.Job
	Leased      bool      // a worker has a valid lease
	Abandoned   bool      // its worker's lease has expired, and no message was sent after that
	MessageSent time.Time // when the last known message for it was sent, by the file server's clock
	RunBegan    time.Time // when its current run was begun, by the file server's clock
}

// Checkup reads the state of an active job, and repairs what it can; now is by the file server's
// clock. It completes a run that has ended, and returns job.ErrFinished, also if another process
// has done so. It removes the entry of a job that was erased, and returns job.ErrGone. It returns
// job.ErrNotFound for a job that was never made, and removes what there is of it if the entry is
// older than stale. After these errors the caller has nothing to do. If an ended run can't be
// completed, for example because its result can't be published, it returns that error.
func (s *Store) Checkup(e Entry, now time.Time, stale time.Duration) (Checkup, error) {
	err := checkID(e.ID)
	var c Checkup
	if err == nil {
		c, err = s.checkup(e, now, stale)
	}
	if err != nil {
		return c, fmt.Errorf("check on job %s: %w", e.ID, err)
	}
	return c, nil
}

func (s *Store) checkup(e Entry, now time.Time, stale time.Duration) (c Checkup, err error) {
	id := e.ID
	c.MessageSent, err = s.modTime(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		// A process that was completing the run has renamed the entry, and has died or is about to
		// remove it.
		if err = s.rename(s.entryPath(e)+leavingSuffix, s.entryPath(e)); err == nil {
			c.MessageSent, err = s.modTime(s.entryPath(e))
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return c, job.ErrFinished
	}
	if err != nil {
		return c, err
	}
	f, err := s.openJobFolder(id)
	if errors.Is(err, job.ErrGone) {
		why := s.whyMissingOnDisk(id)
		if errors.Is(why, job.ErrGone) {
			return c, errors.Join(err, s.removeErasedEntry(e))
		}
		if why == nil { // the retention has moved the job back meanwhile
			return c, err
		}
		err = why // on the disk there is nothing of it: it has expired, or its id is old and it was never made
	}
	if errors.Is(err, job.ErrNotFound) && now.Sub(c.MessageSent) > stale {
		if ferr := s.removeNeverMade(e); !errors.Is(ferr, errInUse) { // a later checkup removes what is in use
			err = errors.Join(err, ferr)
		}
		return c, err
	}
	if err != nil {
		return c, err
	}
	defer f.close()
	f.entry = s.entryPath(e)
	if err := s.removeOldTemps(f, now, stale); err != nil {
		return c, err
	}
	if gone, err := s.exists(s.tombstonePath(id)); err != nil {
		return c, err
	} else if gone { // its draft was moved to its place after the erasure
		return c, errors.Join(job.ErrGone, s.erase(id, Erased))
	}
	if f.ended {
		err := s.repairEnded(f)
		if err == nil || errors.Is(err, fs.ErrNotExist) { // not there any more: another process has completed it
			err = errors.Join(job.ErrFinished, err)
		}
		return c, err
	}
	r, err := s.latestEvent(f)
	if err != nil {
		return c, err
	}
	expired := r.State == job.Running && r.expired(now)
	c.Job = r.public()
	if expired {
		c.Job.Attempts = r.attempts()
	}
	if c.RunBegan, err = s.runBegan(id, f.run); err != nil {
		return c, err
	}
	c.Leased = r.State == job.Running && !expired
	c.Abandoned = expired && c.MessageSent.Before(r.written.Add(r.lease()))
	return c, nil
}

// removeErasedEntry removes the entry of a job that was erased. A job in an erased folder without a
// tombstone may be about to be moved back by the retention, so its entry is kept.
func (s *Store) removeErasedEntry(e Entry) error {
	tombstone, err := s.exists(s.tombstonePath(e.ID))
	if err != nil || !tombstone {
		return err
	}
	return s.remove(s.entryPath(e)) // EndErasures removes the rest
}

// removeOldTemps removes temporary files older than stale, which dead processes have left, from the
// folder of an unfinished job. A process that is only slow finds its file gone, and reads the
// folder again.
func (s *Store) removeOldTemps(f *jobFolder, now time.Time, stale time.Duration) error {
	for _, name := range f.temps {
		path := filepath.Join(f.dir.Name(), name)
		at, err := s.modTime(path)
		if err == nil && now.Sub(at) > stale {
			err = s.remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

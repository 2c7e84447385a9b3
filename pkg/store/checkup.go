package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Checkup is what the sweeper must know of an active job.
type Checkup struct {
	Job       job.Job
	Leased    bool      // a worker is at it
	Abandoned bool      // its worker's lease has run out, and it was not announced since
	Announced time.Time // on the queue, for the last time that is known
	RunBegan  time.Time // when its current run was asked for, by the file server's clock
}

// Checkup looks at an active job, by the file server's clock at now, and sets
// right what can be set right: a run that has ended is tidied up, an erasure
// completed, an entry of a job that was never made removed when it is older
// than stale. Then there is nothing left to do, and the answer is
// job.ErrFinished, job.ErrGone or job.ErrNotFound. An ended run that can't be
// tidied up, because its result can't be published say, is an error of its own.
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
	c.Announced, err = s.modTime(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		// Whoever was tidying up has died, or is about to remove it.
		if err = s.rename(s.entryPath(e)+leavingSuffix, s.entryPath(e)); err == nil {
			c.Announced, err = s.modTime(s.entryPath(e))
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return c, job.ErrFinished
	}
	if err != nil {
		return c, err
	}
	l, err := s.openJobFolder(id)
	if errors.Is(err, job.ErrGone) {
		why := s.whyMissingOnDisk(id)
		if errors.Is(why, job.ErrGone) {
			return c, errors.Join(err, s.removeErasedEntry(e))
		}
		if why == nil { // the retention has put it back
			return c, err
		}
		err = why // it has expired, or was made long ago and never was a job
	}
	if errors.Is(err, job.ErrNotFound) && now.Sub(c.Announced) > stale {
		if ferr := s.removeNeverMade(e); !errors.Is(ferr, errInUse) { // then later
			err = errors.Join(err, ferr)
		}
		return c, err
	}
	if err != nil {
		return c, err
	}
	defer l.close()
	l.entry = s.entryPath(e)
	if err := s.removeOldTemps(l, now, stale); err != nil {
		return c, err
	}
	if gone, err := s.exists(s.tombstonePath(id)); err != nil {
		return c, err
	} else if gone { // somebody moved a draft to its place, slowly
		return c, errors.Join(job.ErrGone, s.erase(id, Erased))
	}
	if l.ended {
		err := s.repairEnded(l)
		if err == nil || errors.Is(err, fs.ErrNotExist) { // others are at it too
			err = errors.Join(job.ErrFinished, err)
		}
		return c, err
	}
	r, err := s.latestEvent(l)
	if err != nil {
		return c, err
	}
	expired := r.State == job.Running && r.expired(now)
	c.Job = r.public()
	if expired {
		c.Job.Attempts = r.attempts()
	}
	if c.RunBegan, err = s.runBegan(id, l.run); err != nil {
		return c, err
	}
	c.Leased = r.State == job.Running && !expired
	c.Abandoned = expired && c.Announced.Before(r.written.Add(r.lease()))
	return c, nil
}

// removeErased removes the entry of a job that was erased. One that is in its grave and has no tombstone may be about to be
// put back by the retention: its entry is left.
func (s *Store) removeErasedEntry(e Entry) error {
	stone, err := s.exists(s.tombstonePath(e.ID))
	if err != nil || !stone {
		return err
	}
	return s.remove(s.entryPath(e)) // the rest is EndErasures'
}

// removeOldTemps removes the temporary files of those who died at a job that is not
// finished: each attempt can leave some. Whoever is only slow finds its own gone, and
// looks again.
func (s *Store) removeOldTemps(l *jobFolder, now time.Time, stale time.Duration) error {
	for _, name := range l.temps {
		path := filepath.Join(l.dir.Name(), name)
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

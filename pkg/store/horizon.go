package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The retention leaves no tombstones: ten million jobs a day would have more than a billion of them
// in 120 days. It leaves one time instead, the horizon. A job from before the horizon that is not
// there has expired or never existed, and the response is the same for both. A job from before it
// that still exists, because it was retried late, is like any other.

// maxSkew is how much the clocks of the file server and of a process that makes ids may differ.
const maxSkew = 24 * time.Hour

// Unknown returns the error for a job without files: job.ErrExpired if its id is from before the
// horizon, whether the job existed or not, or else job.ErrNotFound. It is job.ErrNotFound too for
// an id from before the directory was made, which can't have had a job. It does not check that the
// job has no files.
func (s *Store) Unknown(id job.ID) error {
	if err := checkID(id); err != nil {
		return err
	}
	if id.Time().Before(s.oldest) {
		return job.ErrNotFound
	}
	made := id.Time().UnixMilli()
	if made >= s.horizon.Load() { // as this process has last read it
		at, err := s.readHorizon()
		if err != nil {
			return fmt.Errorf("read the time before which jobs have expired: %w", err)
		}
		s.horizon.Store(at.UnixMilli())
		if made >= at.UnixMilli() {
			return job.ErrNotFound
		}
	}
	return job.ErrExpired
}

// readHorizon reads the horizon. If there is none, or if it is damaged, the result is a time before
// all jobs.
func (s *Store) readHorizon() (at time.Time, err error) {
	note, err := s.Note(horizonNote)
	if errors.Is(err, errUnreadable) {
		err = nil
	}
	if err != nil || note == nil || json.Unmarshal(note, &at) != nil || !plausible(at) || at.IsZero() {
		return time.Unix(0, 0), err
	}
	return at, nil
}

// setHorizon moves the horizon to the end of the last hour that was over at a given time. It is
// called before the retention removes jobs, and never moves the horizon back.
func (s *Store) setHorizon(before time.Time) error {
	at := startOf(hourOf(before))
	if known, err := s.readHorizon(); err == nil && !known.Before(at) {
		return nil
	}
	note, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return s.SetNote(horizonNote, note)
}

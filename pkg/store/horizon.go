package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The retention leaves no tombstones: ten million jobs a day would have more than a billion of them within
// 120 days. It leaves one time instead, the horizon. Whatever job was made before that and is not there has expired,
// or there never was one, and both are answered as gone. Jobs from before it that are there, since they were retried
// late, are jobs like all others.

// maxSkew is how far apart the clocks of the file server and of the processes that make ids can be.
const maxSkew = 24 * time.Hour

// Unknown is what is said of a job of which there is nothing: job.ErrExpired where it was made before the horizon,
// whether there was one or not, and else job.ErrNotFound. An id from before the directory was made has no job, and is
// job.ErrNotFound too.
func (s *Store) Unknown(id job.ID) error {
	if err := check(id); err != nil {
		return err
	}
	if id.Time().Before(s.oldest) {
		return job.ErrNotFound
	}
	made := id.Time().UnixMilli()
	if made >= s.horizon.Load() { // by what this process has read last
		at, err := s.readHorizon()
		if err != nil {
			return fmt.Errorf("read up to when jobs have expired: %w", err)
		}
		s.horizon.Store(at.UnixMilli())
		if made >= at.UnixMilli() {
			return job.ErrNotFound
		}
	}
	return job.ErrExpired
}

// readHorizon reads the horizon; one of no job if there is none, or what is there is damaged.
func (s *Store) readHorizon() (at time.Time, err error) {
	note, err := s.Note(horizonNote)
	if errors.Is(err, errUnreadable) {
		err = nil
	}
	if err != nil || note == nil || json.Unmarshal(note, &at) != nil || !sane(at) || at.IsZero() {
		return time.Unix(0, 0), err
	}
	return at, nil
}

// setHorizon notes, before a retention begins, that jobs of hours that were over at a time may be gone when it ends.
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

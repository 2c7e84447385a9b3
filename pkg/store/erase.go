package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Tombstone is what is left of a job for a while, so that its address answers
// that it is gone rather than that it never was.
type Tombstone struct {
	Owner string    `json:"owner,omitempty"`
	Why   string    `json:"why"` // Erased or Expired
	At    time.Time `json:"at"`
}

// Why a job is gone.
const (
	Erased  = "erased"  // on request
	Expired = "expired" // its retention was over
)

// Erase removes everything of a job, in whatever state. A worker that is at it
// finds out and throws its work away. Readers are told job.ErrGone once the
// job's folder is away. An erasure that was begun the sweeper brings to its end.
// Erasing what is gone is no error.
//
// job.ErrNotFound, job.ErrStoreAway.
func (s *Store) Erase(id job.ID, why string) error {
	err := check(id)
	if err == nil {
		err = s.erase(id, why)
	}
	if err != nil {
		return fmt.Errorf("erase job %s: %w", id, err)
	}
	return nil
}

func (s *Store) erase(id job.ID, why string) error {
	spec, err := s.spec(id)
	if errors.Is(err, job.ErrGone) {
		return s.bury(id, &spec)
	}
	if err != nil {
		return err
	}
	if err := s.activate(id); err != nil { // so that a crash from here on is noticed
		return err
	}
	b, err := json.Marshal(Tombstone{Owner: spec.Owner, Why: why, At: *now()})
	if err != nil {
		return err
	}
	stone := s.gone(id)
	if err := s.mkdirs(filepath.Dir(stone), s.dir); err != nil {
		return err
	}
	if err := s.replaceFile(stone, b); err != nil {
		return err
	}
	return s.bury(id, &spec)
}

// bury removes what is still there of a job with a tombstone. spec is empty where
// its folder is away already.
func (s *Store) bury(id job.ID, spec *job.Spec) error {
	if spec.Key != "" {
		if err := s.removeKey(spec); err != nil {
			return err
		}
	}
	if spec.Owner != "" {
		if err := s.remove(s.ownerEntry(spec)); err != nil {
			return err
		}
	}
	// The folder goes last, since it knows of the rest, and in one step: whatever
	// a stalled worker writes after it finds no folder to write into.
	if err := s.hide(id); err != nil {
		return err
	}
	return s.remove(s.activeAt(id))
}

// removeKey removes the record of a job's idempotency key, if it is this job's.
func (s *Store) removeKey(spec *job.Spec) error {
	b, _, err := s.readFile(s.keyRecord(spec))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var first job.Spec
	if err == nil {
		err = json.Unmarshal(b, &first)
	}
	if err != nil || first.ID != spec.ID {
		return err
	}
	return s.remove(s.keyRecord(spec))
}

// Tombstone reads what is left of a job that is gone; job.ErrNotFound where it
// is not.
func (s *Store) Tombstone(id job.ID) (t Tombstone, err error) {
	if err := check(id); err != nil {
		return t, fmt.Errorf("read tombstone: %w", err)
	}
	b, _, err := s.readFile(s.gone(id))
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = job.ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("read tombstone of job %s: %w", id, err)
	}
	return t, nil
}

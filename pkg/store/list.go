package store

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Query says which jobs to list.
type Query struct {
	Owner  string              // whose; empty means everybody's
	Before job.ID              // only older ones; empty begins with the newest
	Limit  int                 // at most so many, from 1
	Keep   func(*job.Job) bool // nil keeps all
}

// maxScan bounds the jobs and folders that one List reads, so that a filter that few jobs
// pass can't make it read them all, nor an owner whose jobs are erased.
const maxScan = 500

// List answers jobs newest first. A page may be short, even empty, and still
// have a next: the id to ask for the ones before; empty means that there are no
// more. Jobs made while a list is read may or may not be in it. With the directory
// away it is job.ErrStoreAway.
func (s *Store) List(q Query) (jobs []job.Job, next job.ID, err error) {
	w := walk{Store: s, root: filepath.Join(s.dir, jobsDir), place: job.ID.Folder, before: q.Before}
	if q.Owner != "" {
		w.root, w.place = s.ownerDir(q.Owner), indexFolder
	}
	if q.Before != "" {
		if err := check(q.Before); err != nil {
			return nil, "", fmt.Errorf("list jobs: %w", err)
		}
	}
	scanned := 0
	w.enter = func(folder string) error {
		if next = behind(folder); q.Before != "" {
			next = min(next, q.Before)
		}
		if scanned == maxScan {
			return errEnough
		}
		scanned++
		return nil
	}
	w.visit = func(id job.ID) error {
		if len(jobs) == q.Limit || scanned == maxScan {
			return errEnough
		}
		scanned++
		next = id
		r, err := s.current(id)
		if errors.Is(err, job.ErrNotFound) || errors.Is(err, job.ErrGone) || errors.Is(err, errUnreadable) {
			return nil // not made yet, no longer there, or damaged: no reason to hide the others
		}
		if err != nil {
			return err
		}
		if j := r.public(); q.Keep == nil || q.Keep(&j) {
			jobs = append(jobs, j)
		}
		return nil
	}
	err = w.below("", nil)
	if err == nil && scanned == 0 {
		err = s.there() // folders that are not there look like empty ones
	}
	switch {
	case errors.Is(err, errEnough):
		return jobs, next, nil
	case err != nil:
		return nil, "", fmt.Errorf("list jobs: %w", err)
	}
	return jobs, "", nil
}

// errEnough ends a walk before its end.
var errEnough = errors.New("enough")

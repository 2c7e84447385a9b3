package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Query selects the jobs of [Store.List].
type Query struct {
	Owner  string              // only this owner's jobs; "" is all owners
	Before job.ID              // only older jobs; "" begins with the newest
	Limit  int                 // the largest number of jobs, at least 1
	Keep   func(*job.Job) bool // nil keeps all
}

// maxScan is how many jobs one List reads at most, and how many folders it lists. It bounds the
// work if few jobs pass the filter, or if folders have no jobs any more.
const maxScan = 500

// List returns a page of jobs, newest first, and next, which is [Query].Before for the next page;
// "" means that there are no more jobs. A page may be short, even empty, although there are more.
// Jobs made during the call may or may not be included; damaged ones are left out. job.ErrBadID:
// Before is no id. job.ErrStoreUnavailable: the directory is not available.
func (s *Store) List(q Query) (jobs []job.Job, next job.ID, err error) {
	w := walk{Store: s, root: filepath.Join(s.dir, jobsDir), place: job.ID.Folder, before: q.Before, lists: maxScan}
	if q.Owner != "" {
		w.root, w.place = s.ownerDir(q.Owner), indexFolder
	}
	if q.Before != "" {
		if err := checkID(q.Before); err != nil {
			return nil, "", fmt.Errorf("list jobs: %w", err)
		}
	}
	scanned := 0
	w.visit = func(id job.ID) error {
		if len(jobs) == q.Limit || scanned == maxScan {
			return errEnough
		}
		scanned++
		next = id
		r, err := s.currentRecord(id)
		if errors.Is(err, job.ErrNotFound) || errors.Is(err, job.ErrGone) || errors.Is(err, errUnreadable) {
			return nil // not made yet, gone, or damaged: the other jobs are listed
		}
		if err != nil {
			return err
		}
		if j := r.public(); q.Keep == nil || q.Keep(&j) {
			jobs = append(jobs, j)
		}
		return nil
	}
	if err = w.run(); errors.Is(err, errEnough) && w.listed > w.lists {
		if id := firstOf(w.reached); next == "" || id != "" && id < next {
			next = id
		}
	}
	if err == nil && scanned == 0 {
		err = s.checkReachable() // missing folders look like empty ones
	}
	switch {
	case errors.Is(err, errEnough):
		return jobs, next, nil
	case err != nil:
		return nil, "", fmt.Errorf("list jobs: %w", err)
	}
	return jobs, "", nil
}

// firstOf returns an id that sorts before the ids of all jobs of a folder's time, and after those
// of all earlier ones; "" if the path is not that of a time.
func firstOf(folder string) job.ID {
	if len(folder) < len("2006") {
		return ""
	}
	at, err := time.Parse(timeForm[:len(folder)], folder)
	if err != nil {
		return ""
	}
	ms := at.UnixMilli()
	return job.ID(fmt.Sprintf("%08x-%04x-7000-8000-000000000000", ms>>16, ms&0xffff))
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Query says which jobs to list.
type Query struct {
	Owner  string              // whose; empty means everybody's
	Before job.ID              // only older ones; empty begins with the newest
	Limit  int                 // at most so many, from 1
	Keep   func(*job.Job) bool // nil keeps all
}

// maxScan bounds the jobs that one List reads, and the folders that it looks into, so that neither a filter that few
// jobs pass nor folders of jobs that were erased can make it read them all.
const maxScan = 500

// List answers jobs newest first. A page may be short, even empty, and still
// have a next: the id to ask for the ones before; empty means that there are no
// more. Jobs made while a list is read may or may not be in it. With the directory
// away it is job.ErrStoreAway.
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
	if err = w.run(); errors.Is(err, errEnough) && w.listed > w.lists {
		if id := firstOf(w.reached); next == "" || id != "" && id < next {
			next = id
		}
	}
	if err == nil && scanned == 0 {
		err = s.checkReachable() // folders that are not there look like empty ones
	}
	switch {
	case errors.Is(err, errEnough):
		return jobs, next, nil
	case err != nil:
		return nil, "", fmt.Errorf("list jobs: %w", err)
	}
	return jobs, "", nil
}

// firstOf is an id before those of all jobs of a folder's time, and behind all earlier ones; "" of no folder.
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

// errEnough ends a walk before its end.
var errEnough = errors.New("enough")

package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// parseJobFolder splits the name of a job's folder, in a folder of jobs/, into its prefix and the
// job's id. The prefix is "" if the job's folder is in its place. ok is false for any other name,
// and for a job that belongs into another folder.
func parseJobFolder(folder, name string) (prefix string, id job.ID, ok bool) {
	for _, p := range []string{draftPrefix, discardedPrefix, erasedPrefix} {
		if strings.HasPrefix(name, p) {
			prefix = p
		}
	}
	id, err := job.ParseID(name[len(prefix):])
	return prefix, id, err == nil && id.Folder() == folder
}

// removeStaleLeftover removes what is left of a submission whose process died, or of a job that was
// being discarded, if it is older than stale; now is by the file server's clock. ended is whether
// it has done so.
func (s *Store) removeStaleLeftover(prefix string, id job.ID, now time.Time, stale time.Duration) (ended bool, err error) {
	path := filepath.Join(s.jobsFolder(id), prefix+string(id))
	at, err := s.modTime(path)
	if err != nil || now.Sub(at) <= stale {
		return false, ignore(err, fs.ErrNotExist)
	}
	there, err := s.exists(s.jobDir(id))
	switch {
	case err != nil:
		return false, err
	case there:
		err = s.removeTree(path)
	default:
		err = s.removeNeverMade(Entry{ID: id})
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errInUse) { // another process is removing it, or a file in it is open: later
		return false, nil
	}
	return err == nil, err
}

// ensureActive adds an unfinished job to active/ if it is not there.
func (s *Store) ensureActive(id job.ID) error {
	f, err := s.openJobFolder(id)
	if err == nil {
		defer f.close()
		_, err = s.ensureFolderActive(f)
	}
	return unlessMoved(err)
}

// ensureFolderActive is ensureActive for an open folder. made is whether it has added the job.
func (s *Store) ensureFolderActive(f *jobFolder) (made bool, err error) {
	if f.ended {
		return false, nil
	}
	last, err := s.latestEvent(f)
	if err != nil {
		return false, err
	}
	entry := s.activePath(last.Owner, f.id)
	there, err := s.exists(entry)
	if err != nil || there {
		return false, err
	}
	return true, s.activate(entry)
}

// unlessMoved returns nil for an error which means that another process has changed or removed the
// job meanwhile, or that the job is unreadable. It returns any other error.
func unlessMoved(err error) error {
	for _, other := range []error{job.ErrGone, job.ErrNotFound, job.ErrBusy, errUnreadable, fs.ErrNotExist} {
		err = ignore(err, other)
	}
	return err
}

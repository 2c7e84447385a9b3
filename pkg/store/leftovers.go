package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// jobFolder takes the name of a job's folder apart, in the folder that it is to be in: the prefix that it has on its way in or
// out, and the job. !ok: it is no such name.
func jobFolder(folder, name string) (prefix string, id job.ID, ok bool) {
	for _, p := range []string{draftPrefix, awayPrefix, gravePrefix} {
		if strings.HasPrefix(name, p) {
			prefix = p
		}
	}
	id, err := job.ParseID(name[len(prefix):])
	return prefix, id, err == nil && id.Folder() == folder
}

// endLeftover removes what is left of a submission that died, or of a job that was to be discarded, when it is older than stale,
// now by the file server's clock. It says whether there was such a thing.
func (s *Store) endLeftover(prefix string, id job.ID, now time.Time, stale time.Duration) (ended bool, err error) {
	path := filepath.Join(s.shard(id), prefix+string(id))
	at, err := s.changed(path)
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
		err = s.forget(Entry{ID: id})
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errInUse) { // others are at it; then later
		return false, nil
	}
	return err == nil, err
}

// ensureActive puts an unfinished job into active/ if it is not there.
func (s *Store) ensureActive(id job.ID) error {
	l, err := s.look(id)
	if err == nil {
		defer l.close()
		_, err = s.ensureActiveBy(l)
	}
	return unlessMoved(err)
}

func (s *Store) ensureActiveBy(l *life) (made bool, err error) {
	if l.ended {
		return false, nil
	}
	last, err := s.truth(l)
	if err != nil {
		return false, err
	}
	entry := s.activeAt(last.Owner, l.id)
	there, err := s.exists(entry)
	if err != nil || there {
		return false, err
	}
	return true, s.activate(entry)
}

// unlessMoved is an error about a job but for those that mean that others have changed it meanwhile, or that nobody can
// read it.
func unlessMoved(err error) error {
	for _, other := range []error{job.ErrGone, job.ErrNotFound, job.ErrBusy, errUnreadable, fs.ErrNotExist} {
		err = ignore(err, other)
	}
	return err
}

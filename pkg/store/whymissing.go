package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// whyMissing returns why a file was not found in a job's folder: the job was erased or has expired,
// there never was one, or the whole directory is not available. It returns nil if the job's folder
// exists.
func (s *Store) whyMissing(id job.ID) error {
	err := s.whyMissingOnDisk(id)
	if errors.Is(err, job.ErrNotFound) {
		err = s.Unknown(id)
	}
	return err
}

// whyMissingOnDisk is whyMissing without the horizon: for an expired job it returns
// job.ErrNotFound.
//
// An NFS client caches for up to a minute that a name is missing, for example from before the job
// was made. So the folders above it are refreshed first.
func (s *Store) whyMissingOnDisk(id job.ID) error {
	known, err := s.refreshIfExists(filepath.Dir(s.tombstonePath(id)))
	if err != nil {
		return err
	}
	if known {
		if gone, err := s.exists(s.tombstonePath(id)); err != nil || gone {
			return cmp.Or(err, job.ErrGone)
		}
	}
	if known, err = s.refreshIfExists(s.jobsFolder(id)); err != nil {
		return err
	}
	if known {
		if there, err := s.exists(s.jobDir(id)); err != nil || there {
			return err
		}
		if gone, err := s.exists(s.erasedDir(id)); err != nil || gone {
			return cmp.Or(err, job.ErrGone)
		}
	}
	if err := s.checkReachable(); err != nil {
		return err
	}
	return job.ErrNotFound
}

// refreshIfExists refreshes a folder of the store, and reports whether it exists.
func (s *Store) refreshIfExists(dir string) (bool, error) {
	err := s.refreshPath(dir, s.dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
		return false, nil
	}
	return err == nil, err
}

// explainMissing calls find, which opens a file in a job's folder. If find returns fs.ErrNotExist,
// explainMissing returns the error of [Store.whyMissing]; if the job's folder exists, it calls find
// once more.
func (s *Store) explainMissing(id job.ID, find func() error) error {
	err := find()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if why := s.whyMissing(id); why != nil {
		return why
	}
	if err = find(); errors.Is(err, fs.ErrNotExist) {
		if err = s.whyMissing(id); err == nil {
			err = job.ErrNotFound // the folder exists, but not the job's files
		}
	}
	return err
}

// checkReachable returns job.ErrStoreUnavailable if the whole directory is not available.
func (s *Store) checkReachable() error {
	if _, err := s.modTime(filepath.Join(s.dir, formatFile)); err != nil {
		return fmt.Errorf("%w: %w", job.ErrStoreUnavailable, err)
	}
	return nil
}

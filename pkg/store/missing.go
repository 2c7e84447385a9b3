package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// missing tells why a file was not found in a job's folder: the job was erased or has
// expired, there never was one, or the whole directory is away. nil: its folder is there.
func (s *Store) whyMissing(id job.ID) error {
	err := s.whyMissingOnDisk(id)
	if errors.Is(err, job.ErrNotFound) {
		err = s.Unknown(id)
	}
	return err
}

// absent is missing by what there is alone. Of a job that has expired that is nothing: it
// is job.ErrNotFound.
//
// An NFS client remembers for up to a minute that a name was missing, from before the
// job was made, say. So the folders on the way are refreshed first.
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

// known refreshes a folder of the store, and says whether it is there.
func (s *Store) refreshIfExists(dir string) (bool, error) {
	err := s.refreshPath(dir, s.dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
		return false, nil
	}
	return err == nil, err
}

// find calls find, which opens a file of a job's folder, and where that was not found
// although the folder is there, once more. Why it was not found is an error of
// [Store.missing].
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
			err = job.ErrNotFound // the folder is there, and not the job's files
		}
	}
	return err
}

// there says whether the whole directory is: job.ErrStoreAway.
func (s *Store) checkReachable() error {
	if _, err := s.modTime(filepath.Join(s.dir, formatFile)); err != nil {
		return fmt.Errorf("%w: %w", job.ErrStoreAway, err)
	}
	return nil
}

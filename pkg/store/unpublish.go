package store

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// strip removes all but the spec of a job's folder that is out of its place, and
// then what is published of it.
//
// In this order, and until there is nothing to be found: an NFS client names the
// file of a link by a handle, which it may have looked up in the folder's place
// before. Such a link comes late, but needs a file that has a name yet.
func (s *Store) removeFilesAndPublished(dir string, spec *job.Spec) error {
	err := s.emptyJobFolder(dir)
	for found := true; found && err == nil; {
		found = false
		for _, path := range s.publishedPaths(spec.ID, spec.Format, spec.Public) {
			there, uerr := s.unlink(path)
			found, err = found || there, errors.Join(err, uerr)
		}
	}
	return err
}

// unpublishFolder removes all that is published in a folder.
func (s *Store) unpublishFolder(folder string) error {
	names, err := s.PublishedIn(folder)
	for _, name := range names {
		if err == nil {
			err = s.remove(filepath.Join(s.PublishedDir(), name))
		}
	}
	if err == nil {
		err = s.removeCopies(names)
	}
	return err
}

// empty removes all of a job's folder but its spec. The input goes first: where that is, all is.
func (s *Store) emptyJobFolder(dir string) error {
	names, err := s.list(dir)
	if err == nil && slices.Contains(names, inputFile) {
		err = s.remove(filepath.Join(dir, inputFile))
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != specFile && name != inputFile {
			err = errors.Join(err, s.remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// unpublishLate removes what was published of a job while its folder was being removed: an
// NFS client writes into a folder that was moved, until it notices. After the removal
// there is nothing any more that it could publish.
func (s *Store) unpublishAgain(j erasure) error {
	var late []string
	var errs []error
	for _, name := range j.copies {
		there, err := s.unlink(filepath.Join(s.PublishedDir(), name))
		if errs = append(errs, err); there {
			late = append(late, name)
		}
	}
	return errors.Join(append(errs, s.removeCopies(late))...)
}

// unpublished has copies removed elsewhere.
func (s *Store) removeCopies(names []string) error {
	if s.unpublish == nil || len(names) == 0 {
		return nil
	}
	return s.unpublish(names)
}

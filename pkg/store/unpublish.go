package store

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// removeFilesAndPublished removes all files but the spec from a job's folder that was moved away
// from its place, and then the job's names in published/.
//
// The order matters: an NFS client may have looked up the handle of a file before the folder was
// moved, and may link the file by that handle later, as long as the file still has a name. So the
// files go first, and the second step is repeated until it finds nothing.
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

// unpublishFolder removes all pictures in a folder of published/.
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

// emptyJobFolder removes all files but the spec from a job's folder. The input is removed first: as
// long as it is there, the job is complete and can be moved back (see beginExpiry).
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

// unpublishAgain removes what was published of a job while its folder was being removed: until an
// NFS client notices that a folder was moved, it can create files in it. After the removal there
// are no files that could be published.
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

// removeCopies removes the copies of published files that were made elsewhere.
func (s *Store) removeCopies(names []string) error {
	if s.unpublish == nil || len(names) == 0 {
		return nil
	}
	return s.unpublish(names)
}

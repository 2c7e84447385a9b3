package store

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// removeFilesAndPublished removes all files but the spec from a job's folder that was moved out of
// its place, and then the job's names in published/.
//
// The order matters, and the second step is repeated until there is nothing to remove: an NFS
// client may have looked up the handle of a file before the folder was moved, and link the file by
// that handle later. Such a link needs a file that still has a name.
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

// emptyJobFolder removes all files but the spec from a job's folder. The input is removed first:
// while it is there, everything is there.
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

// unpublishAgain removes what was published of a job while its folder was being removed: an NFS
// client can create files in a folder that was moved, until it notices. After the removal there are
// no files to publish.
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

// removeCopies removes the copies made elsewhere of published files.
func (s *Store) removeCopies(names []string) error {
	if s.unpublish == nil || len(names) == 0 {
		return nil
	}
	return s.unpublish(names)
}

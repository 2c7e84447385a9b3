package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// removeNeverMade removes what exists of a job that was never made, or has expired. It moves the
// draft away first, so that no other process can move it to its place meanwhile.
func (s *Store) removeNeverMade(e Entry) error {
	id := e.ID
	discarded := s.discardedDir(id)
	err := s.rename(s.draftDir(id), discarded)
	if errors.Is(err, fs.ErrNotExist) {
		// Another process may just have moved it to its place; then nothing is removed. The folder
		// is listed, because NFS clients cache that a name is missing.
		var names []string
		if names, err = s.list(s.jobsFolder(id)); err == nil && slices.Contains(names, string(id)) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	spec, err := s.readSpec(filepath.Join(discarded, specFile), id)
	switch {
	case err == nil:
		e.owner = ownerFolder(spec.Owner)
	case errors.Is(err, errUnreadable), errors.Is(err, fs.ErrNotExist):
		// The spec was not written completely, so the job has no key and is not in the index; or
		// the spec is removed already.
		spec, err = job.Spec{ID: id}, nil
	}
	if err == nil && spec.Key != "" {
		err = s.removeKey(&spec, spec.Key)
	}
	if err == nil {
		err = s.giveBackUploads(&spec)
	}
	if err == nil {
		err = s.removeFilesAndPublished(discarded, &spec)
	}
	if err == nil && e.owner != "" {
		err = s.removeFromOwnerIndex(e.owner, id)
	}
	if err == nil {
		err = s.removeTree(discarded)
	}
	if err == nil && e.owner != "" {
		err = s.remove(s.entryPath(e))
	}
	return err
}

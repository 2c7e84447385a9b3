package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// HasPreview reports whether an earlier attempt has stored the preview of the submitted picture.
func (l *Lease) HasPreview() bool { return l.folder.preview }

// StorePreview stores the preview of the submitted picture, a JPEG file, for [Store.Preview]. A
// later preview replaces it. StorePreview may be called from another goroutine than the lease's
// other methods, and must have returned before the lease ends. job.ErrLeaseLost: the job is gone.
func (l *Lease) StorePreview(b []byte) error {
	if err := l.store.replaceInFolder(l.path(previewFile), b); err != nil {
		return fmt.Errorf("store the preview of job %s: %w", l.Spec.ID, l.asLeaseLost(err))
	}
	return nil
}

// Preview reads the preview of a job's submitted picture. The error is job.ErrNotReady until the
// first attempt has stored it, and job.ErrNoPreview if the job has finished without one; the others
// are those of [Store.Job].
func (s *Store) Preview(id job.ID) ([]byte, error) {
	b, err := s.preview(id)
	if err != nil {
		return nil, fmt.Errorf("preview of job %s: %w", id, err)
	}
	return b, nil
}

func (s *Store) preview(id job.ID) ([]byte, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	r, err := s.currentRecord(id) // this also refreshes the folder
	if err != nil {
		return nil, err
	}
	b, _, err := s.readUpTo(filepath.Join(s.jobDir(id), previewFile), maxSmall)
	switch {
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return b, err
	case r.State.Finished():
		return nil, job.ErrNoPreview
	}
	return nil, job.ErrNotReady
}

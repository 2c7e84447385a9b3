package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// keyHash returns the name of a file in keys/ for an owner's idempotency key. It is a hash, so that
// the name does not disclose the key.
func keyHash(owner, key string) string {
	sum := sha256.Sum256([]byte(owner + "\x00" + key))
	return hex.EncodeToString(sum[:])
}

// keyPath returns the path of a key's record. It is in one of 4,096 folders, so with ten million
// jobs a day each has some 2,500 records.
func (s *Store) keyPath(key string) string {
	return filepath.Join(s.dir, keysDir, key[:1], key[1:3], key)
}

// linkKey makes a draft's spec the record under a key, durably. fs.ErrExist: there is a record.
// fs.ErrNotExist: there is no draft.
func (s *Store) linkKey(spec *job.Spec, key string) error {
	path := s.keyPath(key)
	err := s.makeInFolder(path, func() error { return s.link(filepath.Join(s.draftDir(spec.ID), specFile), path) })
	if err == nil {
		err = s.syncDir(filepath.Dir(path))
	}
	return err
}

// takeUploadsAndKey lets a draft take its uploads and then its key, each of which only one job can
// have. It returns the given spec if the draft got them all, or else the spec of the draft or job
// that has them.
//
// The uploads come first, because other processes complete the job of a spec that is under the key.
// So such a spec must have its uploads. If a process died after it took the first of two uploads,
// an equal request under the same key continues with its spec.
func (s *Store) takeUploadsAndKey(spec *job.Spec) (*job.Spec, error) {
	for range maxConflicts {
		first, err := s.takeUploads(spec)
		won := first
		if err == nil {
			won, err = s.takeKey(first)
		}
		if first == spec || !errors.Is(err, fs.ErrNotExist) {
			return won, err
		}
		// That spec's draft is in its place by now, under the key, or was discarded.
		if won, err = s.specUnderKey(spec.Key); err == nil && !won.Same(spec) {
			err = job.ErrKeyReused
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return won, err
		}
		if err = s.forgetDiscarded(first); err != nil {
			return spec, err
		}
	}
	return spec, fmt.Errorf("%w: other processes keep changing its uploads", job.ErrBusy)
}

// takeUploads lets a draft take its uploads, if it has any. It returns the given spec if the draft
// got them. If an equal request under the same key has one of them, takeUploads continues with that
// request's spec, and returns it. fs.ErrNotExist: that spec's draft is gone.
func (s *Store) takeUploads(spec *job.Spec) (*job.Spec, error) {
	first, uploads := spec, UploadsOf(spec)
	for next, tries := 0, 0; next < len(uploads); next, tries = next+1, tries+1 {
		if tries == maxConflicts {
			return first, fmt.Errorf("%w: other processes keep changing its uploads", job.ErrBusy)
		}
		upload := uploads[next].ID
		won, err := s.takeUpload(first, upload)
		if err != nil {
			return won, err
		}
		if won == first {
			continue
		}
		first, uploads = won, UploadsOf(won)
		if uploads[0].ID != upload {
			next = -1 // it may not have the earlier ones
		}
	}
	return first, nil
}

// takeUpload lets a draft take an upload. It returns the given spec if its draft has the upload, or
// else the spec of the equal request under the same key that has it.
func (s *Store) takeUpload(spec *job.Spec, upload job.ID) (*job.Spec, error) {
	key := uploadKey(spec.Owner, upload)
	first, err := s.linkKeyOrReadSpec(spec, key)
	if err == nil && first != spec && first.Key != spec.Key {
		if err = s.forgetDiscarded(first); err == nil {
			first, err = s.linkKeyOrReadSpec(spec, key)
		}
	}
	switch {
	case err != nil || first == spec:
		return first, err
	case spec.Key == "" || first.Key != spec.Key:
		return first, job.ErrUploadTaken
	case !first.Same(spec):
		return first, job.ErrKeyReused
	}
	return first, nil
}

// forgetDiscarded removes all names of a spec that was found under a key or an upload, if neither
// its draft nor its job exists. This happens if a process that has found the spec links it to the
// next upload or to the key, after the spec's own process has discarded the draft because another
// job has the key or an upload.
func (s *Store) forgetDiscarded(spec *job.Spec) error {
	there, err := s.refreshIfExists(s.jobsFolder(spec.ID)) // an NFS client may have cached that there is no draft
	if err == nil && there {
		there, err = s.exists(s.draftDir(spec.ID))
	}
	if err != nil || there {
		return err
	}
	// In this order, because a draft can become a job meanwhile, but not the other way round.
	if _, err = s.Job(spec.ID); !errors.Is(err, job.ErrNotFound) {
		return ignore(ignore(err, job.ErrGone), job.ErrDamagedJob)
	}
	if spec.Key != "" {
		if err := s.removeKey(spec, spec.Key); err != nil {
			return err
		}
	}
	return s.discardDraft(spec)
}

// takeKey lets a draft take its idempotency key. It returns the spec that has the key, which shows
// what was asked for and the id that the job has or will have. If an error leaves it unknown which
// spec that is, it returns the given one.
func (s *Store) takeKey(spec *job.Spec) (*job.Spec, error) {
	first, err := s.linkKeyOrReadSpec(spec, spec.Key)
	if err == nil && first != spec && !first.Same(spec) {
		err = job.ErrKeyReused
	}
	return first, err
}

// linkKeyOrReadSpec makes a draft's spec the record under a key and returns it. If the key has a
// record already, it returns that one.
func (s *Store) linkKeyOrReadSpec(spec *job.Spec, key string) (*job.Spec, error) {
	for range maxConflicts {
		err := s.linkKey(spec, key)
		if err == nil {
			return spec, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return spec, err
		}
		first, err := s.specUnderKey(key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // it was removed meanwhile
		case err != nil:
			return spec, err
		case first.ID == spec.ID: // the reply to the link was lost
			return spec, nil
		}
		return first, nil
	}
	return spec, fmt.Errorf("%w: other processes keep changing its key or upload", job.ErrBusy)
}

// specUnderKey reads the spec under a key, of whichever job it is.
func (s *Store) specUnderKey(key string) (*job.Spec, error) { return s.readAnySpec(s.keyPath(key)) }

// readAnySpec reads a spec, of whichever job it is.
func (s *Store) readAnySpec(path string) (*job.Spec, error) {
	first := new(job.Spec)
	b, _, err := s.readFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, first); err != nil {
		return nil, fmt.Errorf("%s: %w", keysDir, errors.Join(errUnreadable, err))
	}
	// The id becomes a path: see ensureInPlace.
	if err := errors.Join(checkID(first.ID), validSpec(first, first.ID)); err != nil {
		return nil, err
	}
	return first, nil
}

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

// CreateOnce is [Store.Create] under an idempotency key of the spec's owner: of
// any number of equal requests, at once or within 24 hours, in whatever
// processes, one makes the job, and all are answered that job. made says whether
// this call did, so that the job is yet to be announced. One that another began
// to make and did not finish is finished, and made.
//
// A spec with uploads takes them as with [Store.Create], but shares them with equal
// requests under the same key.
//
// job.ErrKeyReused: the key stands for another request. job.ErrUploadTaken. job.ErrGone: the
// job was erased meanwhile. After any other error the job may exist or come to exist, and
// the same request is safe to repeat.
func (s *Store) CreateOnce(spec *job.Spec, picture, stylePicture []byte, key string) (j job.Job, made bool, err error) {
	spec.Key = keyHash(spec.Owner, key)
	done, err := s.prepareSubmission(spec, picture, stylePicture)
	if errors.Is(err, job.ErrQuota) || errors.Is(err, job.ErrDiskFull) || errors.Is(err, job.ErrBacklog) {
		if j, made, kerr := s.jobUnderKey(spec); !errors.Is(kerr, fs.ErrNotExist) {
			return j, made, kerr
		}
	}
	if err != nil {
		return j, false, fmt.Errorf("create job: %w", err)
	}
	defer func() { done(made) }()
	if err = s.makeDraft(spec, picture, stylePicture); err != nil {
		return j, false, errors.Join(fmt.Errorf("create job %s: %w", spec.ID, asDiskFull(err)), s.discardDraft(spec))
	}
	first, err := s.takeUploadsAndKey(spec)
	if first != spec { // ours is not needed; else it may be, whatever the error
		err = errors.Join(err, s.discardDraft(spec))
	}
	switch {
	case err == nil && first == spec:
		j, made, err = spec.New(), true, s.placeDraft(spec)
	case err == nil:
		j, made, err = s.ensureInPlace(first)
	}
	if errors.Is(err, fs.ErrNotExist) { // somebody else was at ours already
		j, made, err = s.ensureInPlace(first)
	}
	if err != nil {
		return job.Job{}, false, fmt.Errorf("create job %s: %w", spec.ID, err)
	}
	return j, made, nil
}

// keyOf is the store's name for an owner's idempotency key. It is a file's name, and
// a name alone must not tell the key.
func keyHash(owner, key string) string {
	sum := sha256.Sum256([]byte(owner + "\x00" + key))
	return hex.EncodeToString(sum[:])
}

// Repeated is the job of an earlier request under an idempotency key that took the same
// uploads, whose pictures need not be read for that: the spec's Input and StyleInput are filled
// in by them. Given are the pictures that came with the request. made is as of [Store.CreateOnce].
//
// job.ErrUploadNotFound: there was none. job.ErrKeyReused: it was another request.
func (s *Store) Repeated(spec *job.Spec, picture, stylePicture []byte, key string) (j job.Job, made bool, err error) {
	first, err := s.specUnderKey(keyHash(spec.Owner, key))
	if errors.Is(err, fs.ErrNotExist) || err == nil && (len(UploadsOf(first)) == 0 || first.Upload != spec.Upload || first.StyleUpload != spec.StyleUpload) {
		return j, false, job.ErrUploadNotFound
	}
	if err != nil {
		return j, false, fmt.Errorf("look for an earlier request: %w", err)
	}
	if spec.Upload != "" {
		spec.Input = first.Input
	}
	if spec.StyleUpload != "" {
		spec.StyleInput = first.StyleInput
	}
	again := *spec
	if spec.Upload == "" {
		setSizeAndHash(&again.Input, picture)
	}
	if stylePicture != nil {
		again.StyleInput = &job.Input{}
		setSizeAndHash(again.StyleInput, stylePicture)
	}
	if !first.Same(&again) {
		return j, false, job.ErrKeyReused
	}
	if j, made, err = s.ensureInPlace(first); err != nil {
		return job.Job{}, false, fmt.Errorf("complete an earlier request: %w", err)
	}
	return j, made, nil
}

// repeated answers the job of an earlier request under the same key; fs.ErrNotExist
// where there was none. An owner without room hears of the jobs that there are.
func (s *Store) jobUnderKey(spec *job.Spec) (job.Job, bool, error) {
	first, err := s.specUnderKey(spec.Key)
	if err == nil && !first.Same(spec) {
		err = job.ErrKeyReused
	}
	if err != nil {
		return job.Job{}, false, err
	}
	return s.ensureInPlace(first)
}

// keyAt is the record under the store's name for a key: in one of 4096 folders, so that a day of
// ten million has some 2,500 in each.
func (s *Store) keyPath(key string) string {
	return filepath.Join(s.dir, keysDir, key[:1], key[1:3], key)
}

// linkKey has a draft's spec be the record under a key, durably. fs.ErrExist: there is one. fs.ErrNotExist: there
// is no draft.
func (s *Store) linkKey(spec *job.Spec, key string) error {
	path := s.keyPath(key)
	err := s.makeInFolder(path, func() error { return s.link(filepath.Join(s.draftDir(spec.ID), specFile), path) })
	if err == nil {
		err = s.syncDir(filepath.Dir(path))
	}
	return err
}

// claimNames competes for what a draft wants for itself alone: its uploads, and then its
// key. As of [Store.compete] it is the spec given if that has won all.
//
// The uploads come first: a spec without them is never seen under the key, where others
// would complete it. Where one has the first of them and not the rest, because it died in
// between, an equal request under the same key goes on with that.
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
		// Its draft is in place by now, under the key, or given up.
		if won, err = s.specUnderKey(spec.Key); err == nil && !won.Same(spec) {
			err = job.ErrKeyReused
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return won, err
		}
	}
	return spec, fmt.Errorf("%w: others keep changing its uploads", job.ErrBusy)
}

// takeUploads has a draft take its uploads, if it has any. It is the spec given if it has them,
// and otherwise one under the same key that asks for the same and has them, or has one that the
// caller's can't have. fs.ErrNotExist: the draft of the other one is no more.
func (s *Store) takeUploads(spec *job.Spec) (*job.Spec, error) {
	first, uploads := spec, UploadsOf(spec)
	for next, tries := 0, 0; next < len(uploads); next, tries = next+1, tries+1 {
		if tries == maxConflicts {
			return first, fmt.Errorf("%w: others keep changing its uploads", job.ErrBusy)
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
			next = -1 // it may not have those before
		}
	}
	return first, nil
}

// takeUpload lets a draft take an upload. It returns the given spec if that has the upload, or else
// the spec under the same key that asks for the same and has it.
func (s *Store) takeUpload(spec *job.Spec, upload job.ID) (*job.Spec, error) {
	first, err := s.linkKeyOrFindOwner(spec, uploadKey(spec.Owner, upload))
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

// takeKey lets a draft take its idempotency key. The record under it is the spec of the draft that
// has it: what was asked for, and the id that the job has or will have. The given spec is returned
// if its draft has the key, and after an error that leaves it unknown.
func (s *Store) takeKey(spec *job.Spec) (*job.Spec, error) {
	first, err := s.linkKeyOrFindOwner(spec, spec.Key)
	if err == nil && first != spec && !first.Same(spec) {
		err = job.ErrKeyReused
	}
	return first, err
}

// linkKeyOrFindOwner makes a draft's spec the record under a key, and returns it, or returns the
// spec that is there.
func (s *Store) linkKeyOrFindOwner(spec *job.Spec, key string) (*job.Spec, error) {
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
			continue // it was removed or given back just now
		case err != nil:
			return spec, err
		case first.ID == spec.ID: // the reply to this process's link was lost
			return spec, nil
		}
		return first, nil
	}
	return spec, fmt.Errorf("%w: other processes keep changing its key or upload", job.ErrBusy)
}

// keyedSpec reads the spec under the store's name for a key, of whatever job it is.
func (s *Store) specUnderKey(key string) (*job.Spec, error) { return s.readAnySpec(s.keyPath(key)) }

// specIn reads a spec, of whatever job it is.
func (s *Store) readAnySpec(path string) (*job.Spec, error) {
	first := new(job.Spec)
	b, _, err := s.readFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, first); err != nil {
		return nil, fmt.Errorf("%s: %w", keysDir, errors.Join(errUnreadable, err))
	}
	// It becomes a path: see place.
	if err := errors.Join(checkID(first.ID), validSpec(first, first.ID)); err != nil {
		return nil, err
	}
	return first, nil
}

// place gives the job of an earlier request its place, if it is not there yet.
// Whoever won the key had a whole draft by then, and where they died or dawdle,
// somebody else moves that draft.
func (s *Store) ensureInPlace(first *job.Spec) (job.Job, bool, error) {
	for range maxConflicts {
		j, err := s.Job(first.ID)
		if errors.Is(err, job.ErrGone) { // what was made long ago may be a draft yet
			if err = s.whyMissingOnDisk(first.ID); err == nil {
				continue // it has come just now
			}
		}
		if !errors.Is(err, job.ErrNotFound) {
			return j, false, err
		}
		if err = s.placeDraft(first); !errors.Is(err, fs.ErrNotExist) {
			return first.New(), true, err
		}
	}
	return job.Job{}, false, fmt.Errorf("%w: its folder is not to be found", job.ErrBusy)
}

// placeOnce moves a draft; fs.ErrNotExist where somebody else did.
func (s *Store) placeDraft(spec *job.Spec) error {
	if err := s.moveIntoPlace(spec); err != nil {
		return err
	}
	// The job may have been erased between a look and our move.
	gone, err := s.exists(s.tombstonePath(spec.ID))
	if err == nil && gone {
		err = errors.Join(job.ErrGone, s.removeUnaccepted(spec))
	}
	return err
}

package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/atelier-go/atelier/pkg/job"
)

// CreateOnce is [Store.Create] under an idempotency key of the spec's owner. Of any number of equal
// requests, at the same time or within 24 hours, in any processes, one makes the job, and all
// return it. made is true if this call has made it, or has completed it for a process that died;
// then the caller must send its message.
//
// If the spec has uploads, the job takes them as in [Store.Create]. Equal requests under the same
// key share them.
//
// job.ErrKeyReused: the key was used for another request. job.ErrGone: the job was erased
// meanwhile. job.ErrUploadTaken, job.ErrQuota, job.ErrBacklog and job.ErrDiskFull are as in
// [Store.Create]. After any other error the job may exist, now or later, and the request can be
// repeated.
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
	if first != spec { // this draft is not needed; in the other case it may be, even after an error
		err = errors.Join(err, s.discardDraft(spec))
	}
	switch {
	case err == nil && first == spec:
		j, made, err = spec.New(), true, s.placeDraft(spec)
	case err == nil:
		j, made, err = s.ensureInPlace(first)
	}
	if errors.Is(err, fs.ErrNotExist) { // another process has moved or removed this draft
		j, made, err = s.ensureInPlace(first)
	}
	if err != nil {
		return job.Job{}, false, fmt.Errorf("create job %s: %w", spec.ID, err)
	}
	return j, made, nil
}

// Repeated returns the job of an earlier equal request under an idempotency key that took the same
// uploads, so that these need not be read again. It sets Input and StyleInput of the spec where
// they come from an upload. picture and stylePicture are the pictures that came in the request
// itself; nil for an upload, or without a style picture. made is as in [Store.CreateOnce].
//
// job.ErrUploadNotFound: there was no request with these uploads under the key. job.ErrKeyReused:
// there was one, but it differs in something else.
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

// jobUnderKey returns the job of an earlier equal request under the spec's key; fs.ErrNotExist if
// there was none. So a request can be repeated when a quota is used up.
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

// ensureInPlace returns the job of an earlier request, and moves its draft to its place if it is
// not there. The draft was complete when its process took the key, so if that process has died or
// is slow, another one moves the draft. After job.ErrBusy the request can be repeated.
func (s *Store) ensureInPlace(first *job.Spec) (job.Job, bool, error) {
	for range maxConflicts {
		j, err := s.Job(first.ID)
		if errors.Is(err, job.ErrGone) { // a job from before the horizon may still be a draft
			if err = s.whyMissingOnDisk(first.ID); err == nil {
				continue // it was moved to its place meanwhile
			}
		}
		if !errors.Is(err, job.ErrNotFound) {
			return j, false, err
		}
		if err = s.placeDraft(first); !errors.Is(err, fs.ErrNotExist) {
			return first.New(), true, err
		}
	}
	err := s.forgetDiscarded(first)
	return job.Job{}, false, errors.Join(fmt.Errorf("%w: its folder can't be found", job.ErrBusy), err)
}

// placeDraft moves a draft to its place; fs.ErrNotExist if another process has moved it.
func (s *Store) placeDraft(spec *job.Spec) error {
	if err := s.moveIntoPlace(spec); err != nil {
		return err
	}
	// The job may have been erased before the draft was moved.
	gone, err := s.exists(s.tombstonePath(spec.ID))
	if err == nil && gone {
		err = errors.Join(job.ErrGone, s.removeUnaccepted(spec))
	}
	return err
}

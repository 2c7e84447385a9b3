package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An upload is a picture that a client stores in the bucket before it submits the job. It is
// pending from its grant until a job takes it or it is older than UploadAge.
// uploads/<owner>/<id>.<bytes> is an empty file, so that one listing counts an owner's uploads. A
// job takes an upload as it takes an idempotency key, by a link of its spec in keys/: see
// [Store.CreateOnce].
const (
	// UploadAge is the age until which an upload can be taken. It is shorter than keyRetention by
	// as much as clocks may differ, so the record that an upload was taken is not removed while the
	// upload could still be taken again.
	UploadAge = keyRetention - clockTolerance
	// uploadExtra is how many KiB a pending upload counts for besides its picture, because its job
	// will need space for a result.
	uploadExtra = 1 << 10
)

// An Upload is a pending upload.
type Upload struct {
	ID    job.ID // made like a job's id
	Bytes int64  // the exact size of the picture
	Name  string // name of the object, without prefix; never that of another owner's upload
}

func newUpload(folder string, id job.ID, bytes int64) Upload {
	return Upload{id, bytes, folder + "/" + string(id)}
}

// UploadsOf returns the uploads that a spec takes or has taken, in the order in which it takes
// them: the photograph's, then the style's.
func UploadsOf(spec *job.Spec) (all []Upload) {
	folder := ownerFolder(spec.Owner)
	if spec.Upload != "" {
		all = append(all, newUpload(folder, spec.Upload, spec.Input.Bytes))
	}
	if spec.StyleUpload != "" && spec.StyleInput != nil {
		all = append(all, newUpload(folder, spec.StyleUpload, spec.StyleInput.Bytes))
	}
	return all
}

// use returns what a pending upload counts for.
func (u Upload) use() use { return use{uploads: 1, kib: (u.Bytes+1023)>>10 + uploadExtra} }

func (u Upload) expired(now time.Time) bool { return now.Sub(u.ID.Time()) > UploadAge }

// GrantUpload makes a pending upload of a given size, which counts towards its owner's quotas.
// job.ErrQuota, job.ErrBacklog and job.ErrDiskFull are as in [Store.Create].
func (s *Store) GrantUpload(owner string, bytes int64) (u Upload, err error) {
	if bytes < 1 || bytes > maxInput {
		return u, fmt.Errorf("grant an upload: %d bytes: there must be 1 to %d", bytes, maxInput)
	}
	id, err := job.NewID()
	if err == nil {
		err = s.checkFreeSpace(bytes)
	}
	if err == nil {
		err = s.checkBacklog()
	}
	// An upload may be as large as many submissions, so the pending ones are counted for each
	// grant.
	if err == nil && s.quotas.limit().on(use{uploads: 1, kib: 1}) != noLimit {
		_, err = s.countUploads(ownerFolder(owner))
	}
	if err != nil {
		return u, fmt.Errorf("grant an upload: %w", err)
	}
	u = newUpload(ownerFolder(owner), id, bytes)
	done, err := s.reserve(owner, id, use{}, u.use())
	if err != nil {
		return u, fmt.Errorf("grant an upload: %w", err)
	}
	path := s.uploadPath(owner, u.ID, u.Bytes)
	err = s.makeInFolder(path, func() error { return s.createEmpty(path) })
	done(err == nil)
	if err != nil {
		return u, fmt.Errorf("grant an upload: %w", asDiskFull(err))
	}
	return u, nil
}

// Upload returns a pending upload of an owner.
//
// Errors: job.ErrUploadTaken; job.ErrUploadExpired; job.ErrUploadNotFound, also if the upload is
// another owner's; job.ErrStoreUnavailable.
func (s *Store) Upload(owner string, id job.ID) (Upload, error) {
	u, err := s.upload(owner, id)
	if err != nil {
		return u, fmt.Errorf("upload %s: %w", id, err)
	}
	return u, nil
}

func (s *Store) upload(owner string, id job.ID) (Upload, error) {
	if checkID(id) != nil {
		return Upload{}, job.ErrUploadNotFound
	}
	folder := ownerFolder(owner)
	now := time.Now()
	pending, err := s.countUploads(folder)
	if err != nil {
		return Upload{}, err
	}
	for _, u := range pending {
		if u.ID == id {
			return u, nil
		}
	}
	key := s.keyPath(uploadKey(owner, id))
	taken, err := s.refreshIfExists(filepath.Dir(key)) // an NFS client may have cached that there is no key
	if err == nil && taken {
		taken, err = s.exists(key)
	}
	switch {
	case err != nil:
		return Upload{}, err
	case taken:
		return Upload{}, job.ErrUploadTaken
	case newUpload(folder, id, 0).expired(now):
		return Upload{}, job.ErrUploadExpired
	}
	return Upload{}, job.ErrUploadNotFound
}

// EndUpload ends the pending state of an upload, after a job has taken it, or because none will. It
// can be repeated.
func (s *Store) EndUpload(owner string, u Upload) error {
	if err := checkID(u.ID); err != nil {
		return fmt.Errorf("end an upload: %w", err)
	}
	if err := s.remove(s.uploadPath(owner, u.ID, u.Bytes)); err != nil {
		return fmt.Errorf("end upload %s: %w", u.ID, err)
	}
	s.noteFreed(owner)
	return nil
}

// giveBackUploads removes a draft's links to its uploads, so that these can be taken again. The
// last one is removed first, so that an equal request never finds the later upload taken without
// the earlier.
func (s *Store) giveBackUploads(spec *job.Spec) error {
	for _, u := range slices.Backward(UploadsOf(spec)) {
		if err := s.removeKey(spec, uploadKey(spec.Owner, u.ID)); err != nil {
			return err
		}
	}
	return nil
}

// uploadKey returns the key under which an owner's upload is taken. No idempotency key has a zero
// byte.
func uploadKey(owner string, id job.ID) string { return keyHash(owner, "\x00"+string(id)) }

package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An upload is a picture that a client stores elsewhere, as an object, before it submits
// the job. It is pending from when it is granted until a job takes it or it is a day old:
// uploads/<owner>/<id>.<bytes> is an empty file whose name says it all, so that one
// listing counts an owner's. A job takes an upload by a name in keys/, as an idempotency
// key is taken, with its spec as the content: see [Store.CreateOnce].
const (
	// UploadAge is for how long an upload can be taken. It is shorter than keyRetention,
	// by as much as clocks may be apart, so that what was taken is remembered for longer.
	UploadAge = keyRetention - clockTolerance
	// uploadExtra is how many KiB a pending upload counts for besides its picture: its job
	// will need room for a result.
	uploadExtra = 1 << 10
)

// An Upload is a pending one.
type Upload struct {
	ID    job.ID // made as those of jobs are
	Bytes int64  // of the picture, exactly
	Name  string // of the object: its owner's, and nobody else's
}

func newUpload(folder string, id job.ID, bytes int64) Upload {
	return Upload{id, bytes, folder + "/" + string(id)}
}

// UploadsOf are the uploads that a spec takes or has taken, in the order in which it takes
// them: of the photograph, of the style's picture.
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

// use is what a pending upload counts for.
func (u Upload) use() use { return use{uploads: 1, kib: (u.Bytes+1023)>>10 + uploadExtra} }

func (u Upload) expired(now time.Time) bool { return now.Sub(u.ID.Time()) > UploadAge }

// GrantUpload makes an upload of so many bytes, which counts towards its owner's quotas.
// job.ErrQuota, in a [QuotaError], job.ErrBacklog and job.ErrDiskFull as of [Store.Create].
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
	// Each may be as large as many submissions, so they are counted for each.
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

// Upload is a pending upload of an owner.
//
// Errors: job.ErrUploadTaken, job.ErrUploadExpired, job.ErrUploadNotFound, also of another
// owner's.
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
	taken, err := s.exists(s.keyPath(uploadKey(owner, id)))
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

// EndUpload has an upload be pending no more, since there is a job of it or will be none.
// It can be repeated.
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

// giveUploadsBack has the uploads that a draft has taken be taken again, the last one first, so
// that equal requests never find a later one of its uploads without the earlier ones.
func (s *Store) giveBackUploads(spec *job.Spec) error {
	for _, u := range slices.Backward(UploadsOf(spec)) {
		if err := s.removeKey(spec, uploadKey(spec.Owner, u.ID)); err != nil {
			return err
		}
	}
	return nil
}

// uploadKey is the store's name for what takes an owner's upload. No idempotency key
// has a zero byte.
func uploadKey(owner string, id job.ID) string { return keyHash(owner, "\x00"+string(id)) }

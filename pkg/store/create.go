package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/atelier-go/atelier/pkg/job"
)

// Create makes a job durable: when it returns nil, spec, pictures and status are on the disk and
// the job is queued. The job appears completely or not at all, because its folder is filled under
// another name first. stylePicture is nil if the spec names a style; otherwise spec.StyleInput must
// not be nil. Create sets the spec's version, what it counts for, and the sizes and hashes of its
// inputs.
//
// If the spec has uploads, the job takes them. Of any number of calls for one upload, in any
// processes, one takes it, and the others return job.ErrUploadTaken. After a success the caller
// ends the uploads with [Store.EndUpload].
//
// Errors: job.ErrBadID; job.ErrUploadTaken; job.ErrQuota, in a [QuotaError]; job.ErrBacklog, in a
// [BacklogError]; job.ErrDiskFull. After these no job was made. After any other error the job may
// exist for a while, although it was not accepted.
func (s *Store) Create(spec *job.Spec, picture, stylePicture []byte) error {
	done, err := s.prepareSubmission(spec, picture, stylePicture)
	if err != nil {
		return fmt.Errorf("create job: %w", err)
	}
	err = s.makeDraft(spec, picture, stylePicture)
	if err == nil {
		_, err = s.takeUploads(spec)
	}
	if err == nil {
		err = s.moveIntoPlace(spec)
	}
	done(err == nil)
	if err != nil {
		// The job may be visible already, but it was never accepted. So nothing of it may stay,
		// above all on a full disk.
		return errors.Join(fmt.Errorf("create job %s: %w", spec.ID, asDiskFull(err)), s.removeUnaccepted(spec))
	}
	return nil
}

// prepareSubmission sets the fields of a spec that follow from its pictures, and reserves its part
// of the quotas. After success the caller must call done: with true if the job was made, and with
// false otherwise.
func (s *Store) prepareSubmission(spec *job.Spec, picture, stylePicture []byte) (done func(made bool), err error) {
	if err := checkID(spec.ID); err != nil {
		return nil, err
	}
	spec.V = job.SpecVersion
	setSizeAndHash(&spec.Input, picture)
	if stylePicture != nil {
		setSizeAndHash(spec.StyleInput, stylePicture)
	}
	spec.StoredKiB = storedKiB(spec)
	if err := validSpec(spec, spec.ID); err != nil {
		return nil, err
	}
	if err := s.checkFreeSpace(int64(len(picture) + len(stylePicture))); err != nil {
		return nil, err
	}
	if err := s.checkBacklog(); err != nil {
		return nil, err
	}
	var taken use
	for _, u := range UploadsOf(spec) {
		taken = taken.minus(u.use())
	}
	return s.reserve(spec.Owner, spec.ID, useOf(spec), taken)
}

// asDiskFull adds job.ErrDiskFull to an error which means that the file system is full.
func asDiskFull(err error) error {
	if isFull(err) {
		return fmt.Errorf("%w: %w", job.ErrDiskFull, err)
	}
	return err
}

// draftDir is where a job's folder is filled. It is beside the job's place, because a file system
// makes only one rename between two folders at a time.
func (s *Store) draftDir(id job.ID) string {
	return filepath.Join(s.jobsFolder(id), draftPrefix+string(id))
}

// A specRecord is the content of spec.json: what was asked for, and the job's first record, so that
// the same file is also the first status. A field of [job.Spec] that is not in the first record must
// be here too, or it is not stored: see TestSpecKeepsWhatWasAskedFor.
type specRecord struct {
	*record
	V           int        `json:"v"`
	Input       job.Input  `json:"input"`
	StyleInput  *job.Input `json:"style_input,omitempty"`
	Key         string     `json:"key,omitempty"`
	Upload      job.ID     `json:"upload,omitempty"`
	StyleUpload job.ID     `json:"style_upload,omitempty"`
	StoredKiB   int64      `json:"charge,omitempty"`
	MaxSize     int        `json:"max_size,omitempty"`
}

// makeDraft fills a job's folder, and adds the job to active/. So no job is visible that is not in
// active/.
func (s *Store) makeDraft(spec *job.Spec, picture, stylePicture []byte) error {
	b, err := json.Marshal(specRecord{newRecord(spec.New()), spec.V, spec.Input, spec.StyleInput, spec.Key, spec.Upload, spec.StyleUpload, spec.StoredKiB, spec.MaxSize})
	if err != nil {
		return err
	}
	pictures := [][]byte{picture}
	if stylePicture != nil {
		pictures = append(pictures, stylePicture) // in one file, because each costs round trips
	}
	dir := s.draftDir(spec.ID)
	err = s.makeInFolder(dir, func() error { return s.mkdir(dir) })
	if err != nil && !errors.Is(err, fs.ErrExist) { // no other process has the id: an NFS client has sent this call twice
		return err
	}
	if err := s.createAll(map[string][][]byte{filepath.Join(dir, inputFile): pictures, filepath.Join(dir, specFile): {b}}); err != nil {
		return err
	}
	name := func(as string) func() error {
		return func() error {
			err := s.link(filepath.Join(dir, specFile), as)
			if errors.Is(err, fs.ErrExist) {
				return nil // an NFS client has sent this call twice, as above
			}
			return err
		}
	}
	active := s.activePath(spec.Owner, spec.ID)
	return concurrently(name(filepath.Join(dir, statusFile)), func() error { return s.makeInFolder(active, name(active)) })
}

// makeInFolder makes a name in a folder that exists only while it has names. If make returns
// fs.ErrNotExist, it creates the folder and calls make again. It returns fs.ErrNotExist if
// something else is missing, for example the source of a link.
func (s *Store) makeInFolder(path string, make func() error) (err error) {
	for range 3 {
		if err = make(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if merr := s.mkdirs(filepath.Dir(path), s.dir); merr != nil && !errors.Is(merr, fs.ErrNotExist) { // else the folder was removed meanwhile
			return merr
		}
	}
	return err
}

// moveIntoPlace adds a draft to its owner's index, moves it to its place, and makes its names
// durable.
func (s *Store) moveIntoPlace(spec *job.Spec) error {
	entry := s.ownerEntry(spec)
	if err := s.makeInFolder(entry, func() error { return s.createEmpty(entry) }); err != nil {
		return err
	}
	if err := s.rename(s.draftDir(spec.ID), s.jobDir(spec.ID)); err != nil {
		return err
	}
	return concurrently(
		func() error { return s.syncDir(s.jobDir(spec.ID)) },
		func() error { return s.syncDir(s.jobsFolder(spec.ID)) })
}

// discardDraft removes a draft, its job's names in the indexes, and its links to uploads, so that
// these can be taken again. The entry in active/ is removed last, because it leads the sweeper to
// what is left after a crash.
func (s *Store) discardDraft(spec *job.Spec) error {
	err := s.giveBackUploads(spec)
	if err == nil {
		err = s.remove(s.ownerEntry(spec))
	}
	if err == nil {
		err = s.removeTree(s.draftDir(spec.ID))
	}
	if err == nil {
		err = s.remove(s.activePath(spec.Owner, spec.ID))
	}
	return err
}

// ownerEntry returns the path of a job in its owner's index.
func (s *Store) ownerEntry(spec *job.Spec) string {
	return s.ownerEntryAs(spec, strconv.FormatInt(spec.StoredKiB, 10))
}

func (s *Store) ownerEntryAs(spec *job.Spec, counts string) string {
	return filepath.Join(s.ownerDir(spec.Owner), indexFolder(spec.ID), string(spec.ID)+"."+counts)
}

func (s *Store) ownerDir(owner string) string {
	return filepath.Join(s.dir, ownersDir, ownerFolder(owner))
}

// moveOut renames the folder of a job that was never accepted, so that the job is not visible, and
// removes the folder and what was published of it: a worker may have received a message for the
// job. The spec in the folder is removed last, because the sweeper needs it to continue after a
// crash.
func (s *Store) moveOut(spec *job.Spec) error {
	discarded := s.discardedDir(spec.ID)
	err := s.rename(s.jobDir(spec.ID), discarded)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.removeFilesAndPublished(discarded, spec)
	}
	if err == nil {
		err = s.remove(s.ownerEntry(spec))
	}
	if err != nil {
		return err
	}
	if err = s.removeTree(discarded); errors.Is(err, errInUse) {
		return nil // Reconcile removes the rest
	}
	return err
}

// discardedDir is where the folder of a job that was never accepted is moved before it is removed.
func (s *Store) discardedDir(id job.ID) string {
	return filepath.Join(s.jobsFolder(id), discardedPrefix+string(id))
}

func setSizeAndHash(in *job.Input, data []byte) {
	sum := sha256.Sum256(data)
	in.Bytes, in.SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
}

// Discard removes a job that was not accepted, because its message could not be sent. It must not
// be used for a job with an idempotency key: an equal request may have been accepted meanwhile. It
// can be repeated.
func (s *Store) Discard(spec *job.Spec) error {
	if err := checkID(spec.ID); err != nil {
		return fmt.Errorf("discard job: %w", err)
	}
	if err := s.removeUnaccepted(spec); err != nil {
		return fmt.Errorf("discard job %s: %w", spec.ID, err)
	}
	return nil
}

// removeUnaccepted removes a job that was never accepted, and its names in the indexes. The names
// are removed only after its folder was moved, because the sweeper finds a job that is in its place
// by these names.
func (s *Store) removeUnaccepted(spec *job.Spec) error {
	if err := s.moveOut(spec); err != nil {
		return err
	}
	return s.discardDraft(spec)
}

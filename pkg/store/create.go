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

// Create makes a job durable: when it returns nil, spec, pictures and status
// are on the disk and the job is queued. The job appears whole or not at all,
// since its folder is filled under another name first. stylePicture is nil
// where the spec names a style. Create fills in the sizes and hashes of the
// spec's inputs.
//
// Of a spec with uploads it takes those: of any number of calls, in whatever processes,
// one does, and the others are job.ErrUploadTaken. The uploads are to be ended afterwards,
// by [Store.EndUpload].
//
// job.ErrQuota, in a [QuotaError]: a quota of the owner is used up. job.ErrBacklog, in a [BacklogError].
// job.ErrDiskFull. Nothing was made then.
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
		// A half-made job is worth nothing, and a full disk least of all. It may be
		// in sight already, but nobody may rely on it.
		return errors.Join(fmt.Errorf("create job %s: %w", spec.ID, asDiskFull(err)), s.removeUnaccepted(spec))
	}
	return nil
}

// begin fills in what follows from a spec's pictures, and reserves what they take.
func (s *Store) prepareSubmission(spec *job.Spec, picture, stylePicture []byte) (done func(made bool), err error) {
	if err := checkID(spec.ID); err != nil {
		return nil, err
	}
	spec.V = job.SpecVersion
	setSizeAndHash(&spec.Input, picture)
	if stylePicture != nil {
		setSizeAndHash(spec.StyleInput, stylePicture)
	}
	spec.Charge = charge(spec)
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
	return s.reserve(spec.Owner, spec.ID, submissionOf(spec), taken)
}

// noRoom makes job.ErrDiskFull of what a file system says that has no room.
func asDiskFull(err error) error {
	if isFull(err) {
		return fmt.Errorf("%w: %w", job.ErrDiskFull, err)
	}
	return err
}

// draftDir is where a job's folder is filled: in the folder of its place, since a
// rename from one folder to another holds up all others of the file system.
func (s *Store) draftDir(id job.ID) string {
	return filepath.Join(s.jobsFolder(id), draftPrefix+string(id))
}

// A submission is the content of spec.json: what was asked for, and the job's
// first record, so that the same file is the first status too.
type submission struct {
	*record
	V           int        `json:"v"`
	Input       job.Input  `json:"input"`
	StyleInput  *job.Input `json:"style_input,omitempty"`
	Key         string     `json:"key,omitempty"`
	Upload      job.ID     `json:"upload,omitempty"`
	StyleUpload job.ID     `json:"style_upload,omitempty"`
	Charge      int64      `json:"charge,omitempty"`
	MaxSize     int        `json:"max_size,omitempty"`
}

// draft fills a job's folder, and enters it in active/, so that none is in sight
// that is not there.
func (s *Store) makeDraft(spec *job.Spec, picture, stylePicture []byte) error {
	b, err := json.Marshal(submission{newRecord(spec.New()), spec.V, spec.Input, spec.StyleInput, spec.Key, spec.Upload, spec.StyleUpload, spec.Charge, spec.MaxSize})
	if err != nil {
		return err
	}
	pictures := [][]byte{picture}
	if stylePicture != nil {
		pictures = append(pictures, stylePicture) // in one file, since each costs round trips
	}
	dir := s.draftDir(spec.ID)
	err = s.makeInFolder(dir, func() error { return s.mkdir(dir) })
	if err != nil && !errors.Is(err, fs.ErrExist) { // which is our own retransmission
		return err
	}
	if err := s.createAll(map[string][][]byte{filepath.Join(dir, inputFile): pictures, filepath.Join(dir, specFile): {b}}); err != nil {
		return err
	}
	name := func(as string) func() error {
		return func() error {
			err := s.link(filepath.Join(dir, specFile), as)
			if errors.Is(err, fs.ErrExist) {
				return nil // our own retransmission once more: the id is ours alone
			}
			return err
		}
	}
	active := s.activePath(spec.Owner, spec.ID)
	return concurrently(name(filepath.Join(dir, statusFile)), func() error { return s.makeInFolder(active, name(active)) })
}

// inFolder makes a name in one of the folders that are made with the first name in
// them, and removed when they are empty. fs.ErrNotExist: something else is missing, what is to be linked say.
func (s *Store) makeInFolder(path string, make func() error) (err error) {
	for range 3 {
		if err = make(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if merr := s.mkdirs(filepath.Dir(path), s.dir); merr != nil && !errors.Is(merr, fs.ErrNotExist) { // else one was removed meanwhile
			return merr
		}
	}
	return err
}

// reveal moves a draft to its place, by way of its owner's index, and makes its
// names durable.
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

// discard throws a draft away, and what the indexes say of its job: the entry in
// active/ last, from which the sweeper knows that there is something left. Uploads
// that it has taken can be taken again.
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

// ownerEntry is a job's place in its owner's index.
func (s *Store) ownerEntry(spec *job.Spec) string {
	return s.ownerEntryAs(spec, strconv.FormatInt(spec.Charge, 10))
}

func (s *Store) ownerEntryAs(spec *job.Spec, counts string) string {
	return filepath.Join(s.ownerDir(spec.Owner), indexFolder(spec.ID), string(spec.ID)+"."+counts)
}

func (s *Store) ownerDir(owner string) string {
	return filepath.Join(s.dir, ownersDir, ownerFolder(owner))
}

// hide takes a job's folder out of sight in one step and throws it away, with what
// a worker may have published by then: it can have heard of a job that was never
// promised. By the spec in the folder the sweeper goes on with it, so that goes last.
func (s *Store) moveOut(spec *job.Spec) error {
	away := s.discardedDir(spec.ID)
	err := s.rename(s.jobDir(spec.ID), away)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.removeFilesAndPublished(away, spec)
	}
	if err == nil {
		err = s.remove(s.ownerEntry(spec))
	}
	if err != nil {
		return err
	}
	if err = s.removeTree(away); errors.Is(err, errInUse) {
		return nil // Reconcile removes the rest
	}
	return err
}

// awayDir is where a job's folder goes on its way out.
func (s *Store) discardedDir(id job.ID) string {
	return filepath.Join(s.jobsFolder(id), discardedPrefix+string(id))
}

func setSizeAndHash(in *job.Input, data []byte) {
	sum := sha256.Sum256(data)
	in.Bytes, in.SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
}

// Discard removes a job that was never promised to anybody, because the queue
// was away. It must not be used on one with an idempotency key, which may have
// been promised under the same key meanwhile.
func (s *Store) Discard(spec *job.Spec) error {
	if err := checkID(spec.ID); err != nil {
		return fmt.Errorf("discard job: %w", err)
	}
	if err := s.removeUnaccepted(spec); err != nil {
		return fmt.Errorf("discard job %s: %w", spec.ID, err)
	}
	return nil
}

// withdraw removes a job that was never promised to anybody, and what the indexes have of it: only once
// its folder is away, since a job that is there and in no index would wait for ever.
func (s *Store) removeUnaccepted(spec *job.Spec) error {
	if err := s.moveOut(spec); err != nil {
		return err
	}
	return s.discardDraft(spec)
}

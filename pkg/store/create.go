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

// Create makes a job durable: when it returns nil, spec, pictures and status
// are on the disk and the job is queued. The job appears whole or not at all,
// since its folder is filled under another name first. stylePicture is nil
// where the spec names a style. Create fills in the sizes and hashes of the
// spec's inputs.
func (s *Store) Create(spec *job.Spec, picture, stylePicture []byte) error {
	if err := check(spec.ID); err != nil {
		return fmt.Errorf("create job: %w", err)
	}
	err := s.draft(spec, picture, stylePicture)
	if err == nil {
		err = s.reveal(spec)
	}
	if err != nil {
		// A half-made job is worth nothing, and a full disk least of all. It may be
		// in sight already, but nobody may rely on it.
		return errors.Join(fmt.Errorf("create job %s: %w", spec.ID, err), s.hide(spec), s.discard(spec))
	}
	return nil
}

// draftDir is where a job's folder is filled: in the folder of its place, since a
// rename from one folder to another holds up all others of the file system.
func (s *Store) draftDir(id job.ID) string { return filepath.Join(s.shard(id), draftPrefix+string(id)) }

// A submission is the content of spec.json: what was asked for, and the job's
// first record, so that the same file is the first status too.
type submission struct {
	*record
	V          int        `json:"v"`
	Input      job.Input  `json:"input"`
	StyleInput *job.Input `json:"style_input,omitempty"`
	Key        string     `json:"key,omitempty"`
}

// draft fills a job's folder, and enters it in active/, so that none is in sight
// that is not there.
func (s *Store) draft(spec *job.Spec, picture, stylePicture []byte) error {
	spec.V = job.SpecVersion
	describe(&spec.Input, picture)
	if stylePicture != nil {
		describe(spec.StyleInput, stylePicture)
	}
	b, err := json.Marshal(submission{newRecord(spec.New()), spec.V, spec.Input, spec.StyleInput, spec.Key})
	if err != nil {
		return err
	}
	pictures := [][]byte{picture}
	if stylePicture != nil {
		pictures = append(pictures, stylePicture) // in one file, since each costs round trips
	}
	dir := s.draftDir(spec.ID)
	err = s.mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) { // the first job of its hour
		err = s.mkdirs(dir, s.dir)
	}
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
	return together(name(filepath.Join(dir, statusFile)), name(s.activeAt(spec.ID)))
}

// reveal moves a draft to its place, by way of its owner's index, and makes its
// names durable.
func (s *Store) reveal(spec *job.Spec) error {
	if spec.Owner != "" {
		entry := s.ownerEntry(spec)
		err := s.mark(entry)
		if errors.Is(err, fs.ErrNotExist) { // the owner's first of this hour
			if err = s.mkdirs(filepath.Dir(entry), s.dir); err == nil {
				err = s.mark(entry)
			}
		}
		if err != nil {
			return err
		}
	}
	if err := s.rename(s.draftDir(spec.ID), s.jobDir(spec.ID)); err != nil {
		return err
	}
	return together(
		func() error { return s.syncDir(s.jobDir(spec.ID)) },
		func() error { return s.syncDir(s.shard(spec.ID)) })
}

// discard throws a draft away, and what the indexes know of its job.
func (s *Store) discard(spec *job.Spec) error {
	return errors.Join(s.removeTree(s.draftDir(spec.ID)), s.unindex(spec))
}

// ownerEntry is a job's place in its owner's index. Owners' names are whatever
// somebody configured, so the folder has a hash for a name.
func (s *Store) ownerEntry(spec *job.Spec) string {
	return filepath.Join(s.ownerDir(spec.Owner), shard(spec.ID), string(spec.ID))
}

func (s *Store) ownerDir(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return filepath.Join(s.dir, ownersDir, hex.EncodeToString(sum[:16]))
}

// unindex takes a job out of active/ and its owner's index.
func (s *Store) unindex(spec *job.Spec) error {
	var err error
	if spec.Owner != "" {
		err = s.remove(s.ownerEntry(spec))
	}
	return errors.Join(err, s.remove(s.activeAt(spec.ID)))
}

// hide takes a job's folder out of sight in one step and throws it away, with what
// a worker may have published by then: it can have heard of a job that was never
// promised.
func (s *Store) hide(spec *job.Spec) error {
	away := s.awayDir(spec.ID)
	err := s.rename(s.jobDir(spec.ID), away)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.strip(away, spec)
	}
	if err != nil {
		return err
	}
	return s.removeTree(away)
}

// awayDir is where a job's folder goes on its way out.
func (s *Store) awayDir(id job.ID) string { return filepath.Join(s.shard(id), awayPrefix+string(id)) }

func describe(in *job.Input, data []byte) {
	sum := sha256.Sum256(data)
	in.Bytes, in.SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
}

// Discard removes a job that was never promised to anybody, because the queue
// was away. It must not be used on one with an idempotency key, which may have
// been promised under the same key meanwhile.
func (s *Store) Discard(spec *job.Spec) error {
	if err := check(spec.ID); err != nil {
		return fmt.Errorf("discard job: %w", err)
	}
	if err := errors.Join(s.hide(spec), s.unindex(spec)); err != nil {
		return fmt.Errorf("discard job %s: %w", spec.ID, err)
	}
	return nil
}

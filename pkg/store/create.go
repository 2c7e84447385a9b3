package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// Create makes a job durable: when it returns nil, spec, pictures and status
// are on the disk and the job is queued. The job appears whole or not at all,
// since its folder is filled under another name first. stylePicture is nil
// where the spec names a style. Create fills in the sizes and hashes of the
// spec's inputs.
func (s *Store) Create(spec *job.Spec, picture, stylePicture []byte) error {
	d, err := s.draft(spec, picture, stylePicture)
	if err == nil {
		err = d.index()
	}
	if err == nil {
		err = d.reveal()
	}
	if err != nil {
		// A half-made job is worth nothing, and a full disk least of all.
		return errors.Join(fmt.Errorf("create job %s: %w", spec.ID, err), d.undo())
	}
	return nil
}

// A draft is a job's folder on its way into its place.
type draft struct {
	*Store
	spec *job.Spec
	dir  string // in tmp/; empty where none was made
}

// draft fills a job's folder. The answer is never nil.
func (s *Store) draft(spec *job.Spec, picture, stylePicture []byte) (*draft, error) {
	d := &draft{Store: s, spec: spec}
	if err := check(spec.ID); err != nil {
		return d, err
	}
	spec.V = job.SpecVersion
	describe(&spec.Input, picture)
	if stylePicture != nil {
		describe(spec.StyleInput, stylePicture)
	}
	dir := s.temp(string(spec.ID))
	if err := s.mkdir(dir); err != nil {
		return d, err
	}
	d.dir = dir
	pictures := picture
	if stylePicture != nil {
		// One file, since each costs a round trip or three.
		pictures = append(picture[:len(picture):len(picture)], stylePicture...)
	}
	if _, err := s.createFile(filepath.Join(dir, inputFile), pictures); err != nil {
		return d, err
	}
	if err := d.write(specFile, spec); err != nil {
		return d, err
	}
	if err := d.write(statusFile, newRecord(spec.New())); err != nil {
		return d, err
	}
	return d, s.syncDir(dir)
}

func (d *draft) write(name string, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = d.createFile(filepath.Join(d.dir, name), b)
	}
	return err
}

// index enters the job in the indexes that say where it will be. It is in
// active/ before it is in sight, so that none is in sight and not in active/.
func (d *draft) index() error {
	if d.spec.Owner != "" {
		entry := d.ownerEntry(d.spec)
		err := d.mark(entry)
		if errors.Is(err, fs.ErrNotExist) { // the owner's first of this hour
			if err = d.mkdirs(filepath.Dir(entry), d.Dir()); err == nil {
				err = d.mark(entry)
			}
		}
		if err != nil {
			return err
		}
	}
	return d.activate(d.spec.ID)
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

// unindex is the opposite of index.
func (s *Store) unindex(spec *job.Spec) error {
	var errs []error
	if spec.Owner != "" {
		errs = append(errs, s.remove(s.ownerEntry(spec)))
	}
	return errors.Join(append(errs, s.remove(s.activeAt(spec.ID)))...)
}

// reveal moves the folder to its place. fs.ErrExist: the job is there already.
func (d *draft) reveal() error {
	hour, place := d.shard(d.spec.ID), d.jobDir(d.spec.ID)
	err := d.rename(d.dir, place)
	if errors.Is(err, fs.ErrNotExist) { // the first job of its hour
		if err := d.mkdirs(hour, d.Dir()); err != nil {
			return err
		}
		err = d.rename(d.dir, place)
	}
	if err != nil {
		return err
	}
	d.dir = ""
	return d.syncDir(hour)
}

// undo leaves no trace of the job, wherever its making has stopped.
func (d *draft) undo() error {
	if check(d.spec.ID) != nil {
		return nil // it has not begun
	}
	var err error
	if d.dir == "" { // it is in sight already, but nobody may rely on it
		err = d.hide(d.spec.ID)
	}
	return errors.Join(err, d.discard(), d.unindex(d.spec))
}

// discard throws the draft away, if it is not in its place.
func (d *draft) discard() error {
	if d.dir == "" {
		return nil
	}
	return d.removeTree(d.dir)
}

// hide takes a job's folder out of sight in one step and throws it away.
func (s *Store) hide(id job.ID) error {
	away := s.temp(string(id) + "-away")
	if err := s.rename(s.jobDir(id), away); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return s.removeTree(away)
}

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
	if err := errors.Join(s.hide(spec.ID), s.unindex(spec)); err != nil {
		return fmt.Errorf("discard job %s: %w", spec.ID, err)
	}
	return nil
}

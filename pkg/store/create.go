package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// Create makes a job durable: when it returns nil, spec, pictures and status
// are on the disk and the job is queued. The job appears whole or not at all,
// since its directory is filled under another name first. stylePicture is nil
// where the spec names a style. Create fills in the sizes and hashes of the
// spec's inputs.
func (s *Store) Create(spec *job.Spec, picture, stylePicture []byte) error {
	if _, err := job.ParseID(string(spec.ID)); err != nil {
		return fmt.Errorf("create job: %w", err)
	}
	spec.V = job.SpecVersion
	describe(&spec.Input, picture)
	if stylePicture != nil {
		describe(spec.StyleInput, stylePicture)
	}
	specJSON, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("create job %s: %w", spec.ID, err)
	}
	statusJSON, err := json.Marshal(spec.New())
	if err != nil {
		return fmt.Errorf("create job %s: %w", spec.ID, err)
	}
	files := []struct {
		name string
		data []byte
	}{{inputFile, picture}, {specFile, specJSON}, {statusFile, statusJSON}}
	if stylePicture != nil {
		files = append(files, struct {
			name string
			data []byte
		}{styleFile, stylePicture})
	}

	tmp := filepath.Join(s.dir, "tmp", string(spec.ID))
	err = os.Mkdir(tmp, 0o750)
	for _, f := range files {
		if err == nil {
			err = createFile(filepath.Join(tmp, f.name), f.data)
		}
	}
	if err == nil {
		err = syncDir(tmp)
	}
	if err == nil {
		err = s.reveal(tmp, spec.ID)
	}
	if err != nil {
		// A half-made job is worth nothing, and a full disk least of all.
		return errors.Join(fmt.Errorf("create job %s: %w", spec.ID, err), os.RemoveAll(tmp))
	}
	return nil
}

// reveal moves a finished directory to its place.
func (s *Store) reveal(tmp string, id job.ID) error {
	shard := s.shard(id)
	err := os.Rename(tmp, s.jobDir(id))
	if errors.Is(err, os.ErrNotExist) { // the first job of its hour
		if err := mkdirAllSync(shard, s.dir); err != nil {
			return err
		}
		err = os.Rename(tmp, s.jobDir(id))
	}
	if err != nil {
		return err
	}
	if err := syncDir(shard); err != nil {
		// It is in sight already, but nobody may rely on it.
		return errors.Join(err, s.Discard(id))
	}
	return nil
}

// mkdirAllSync makes dir and its parents below top, each durable in its own
// parent.
func mkdirAllSync(dir, top string) error {
	if dir == top {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := mkdirAllSync(parent, top); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	return syncDir(parent)
}

func describe(in *job.Input, data []byte) {
	sum := sha256.Sum256(data)
	in.Bytes, in.SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
}

// Discard removes a job that was never announced, because the queue was away.
// It must not be used on a job that a user was promised.
func (s *Store) Discard(id job.ID) error {
	if _, err := job.ParseID(string(id)); err != nil {
		return fmt.Errorf("discard job: %w", err)
	}
	// Out of sight in one step, so that nobody reads half a job.
	tmp := filepath.Join(s.dir, "tmp", string(id))
	if err := os.Rename(s.jobDir(id), tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("discard job %s: %w", id, err)
	}
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("discard job %s: %w", id, err)
	}
	return nil
}

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
// job.ErrKeyReused: the key stands for another request. job.ErrGone: the job was
// erased meanwhile. After any other error the job may exist, and the same request
// is safe to repeat.
func (s *Store) CreateOnce(spec *job.Spec, picture, stylePicture []byte, key string) (j job.Job, made bool, err error) {
	// The hash is the file's name; a name alone must not tell the key.
	sum := sha256.Sum256([]byte(spec.Owner + "\x00" + key))
	spec.Key = hex.EncodeToString(sum[:])
	d, err := s.draft(spec, picture, stylePicture)
	if err == nil {
		j, made, err = d.once()
	}
	if err = errors.Join(err, d.discard()); err != nil {
		return job.Job{}, false, fmt.Errorf("create job %s: %w", spec.ID, err)
	}
	return j, made, nil
}

func (s *Store) keyRecord(spec *job.Spec) string { return filepath.Join(s.dir, keysDir, spec.Key) }

// once competes for the key. The record under it is the winner's own spec, which
// says what was asked for and under which id the job is, or will be.
func (d *draft) once() (job.Job, bool, error) {
	err := d.link(filepath.Join(d.dir, specFile), d.keyRecord(d.spec))
	if err == nil {
		err = d.sync(d.keys)
	}
	if errors.Is(err, fs.ErrExist) {
		var first job.Spec
		if first, err = d.recorded(); err != nil {
			return job.Job{}, false, err
		}
		if !first.Same(d.spec) {
			return job.Job{}, false, job.ErrKeyReused
		}
		if first.ID != d.spec.ID { // or it is the reply to our own link that was lost
			return d.join(first)
		}
	}
	if err != nil {
		return job.Job{}, false, err
	}
	return d.place()
}

// recorded is the spec under the key.
func (d *draft) recorded() (spec job.Spec, err error) {
	b, _, err := d.readFile(d.keyRecord(d.spec))
	if err == nil {
		err = json.Unmarshal(b, &spec)
	}
	return spec, err
}

// join answers the job of an earlier request, and makes it of this one's
// pictures, which are the same, where the earlier one has not come to it: its
// process may have died.
func (d *draft) join(first job.Spec) (job.Job, bool, error) {
	j, err := d.Job(first.ID)
	if !errors.Is(err, job.ErrNotFound) {
		return j, false, err
	}
	for _, name := range []string{specFile, statusFile} {
		if err := d.remove(filepath.Join(d.dir, name)); err != nil {
			return job.Job{}, false, err
		}
	}
	if err := d.write(specFile, &first); err != nil {
		return job.Job{}, false, err
	}
	if err := d.write(statusFile, newRecord(first.New())); err != nil {
		return job.Job{}, false, err
	}
	if err := d.syncDir(d.dir); err != nil {
		return job.Job{}, false, err
	}
	d.spec = &first
	return d.place()
}

// place gives the job its place, if nobody has done so meanwhile.
func (d *draft) place() (job.Job, bool, error) {
	if err := d.index(); err != nil {
		return job.Job{}, false, err
	}
	err := d.reveal()
	if errors.Is(err, fs.ErrExist) {
		j, err := d.Job(d.spec.ID)
		return j, false, err
	}
	if err != nil {
		return job.Job{}, false, err
	}
	// Somebody may have erased the job between our look and our move.
	if gone, err := d.exists(d.gone(d.spec.ID)); err != nil || gone {
		return job.Job{}, false, errors.Join(err, d.hide(d.spec.ID), d.unindex(d.spec), job.ErrGone)
	}
	return d.spec.New(), true, nil
}

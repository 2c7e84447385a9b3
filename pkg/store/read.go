package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// Job reads a job as users see it.
//
// Errors: job.ErrBadID; job.ErrNotFound; job.ErrGone, as job.ErrExpired if the id is from before
// the horizon (see [Store.Unknown]); job.ErrDamagedJob; job.ErrStoreUnavailable.
func (s *Store) Job(id job.ID) (job.Job, error) {
	r, err := s.currentRecord(id)
	if err != nil {
		return job.Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	return r.public(), nil
}

// currentRecord reads the current record of a job. status.json can be older than the last event:
// after a crash, or when a worker that was paused has replaced a newer status. So if the status is
// unfinished, currentRecord looks for the run's outcome, and if it is failed or canceled, for the
// next run.
func (s *Store) currentRecord(id job.ID) (*record, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	// An NFS client may have cached an old status.json, or that there is no outcome, for up to a
	// minute. Opening the folder makes it ask the server.
	if err := s.explainMissing(id, func() error { return s.refresh(s.jobDir(id)) }); err != nil {
		return nil, err
	}
	r, err := s.readRecord(id, statusFile)
	// An NFS client on whose machine status.json is open renames it before it makes the new one, so
	// for a moment there is none.
	if errors.Is(err, errUnreadable) || errors.Is(err, fs.ErrNotExist) {
		return s.readFromEvents(id)
	}
	if err != nil {
		return nil, err
	}
	if !r.State.Finished() {
		final, err := s.readRecord(id, finalFile(r.Run))
		if errors.Is(err, fs.ErrNotExist) {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		r = final
	}
	if r.State == job.Succeeded {
		return r, nil
	}
	retried, err := s.exists(filepath.Join(s.jobDir(id), runFile(r.Run+1)))
	if err != nil {
		return nil, err
	}
	if retried {
		return s.readFromEvents(id)
	}
	return r, nil
}

// readFromEvents reads a job from its events only.
func (s *Store) readFromEvents(id job.ID) (*record, error) {
	f, err := s.openJobFolder(id)
	if err != nil {
		return nil, err
	}
	defer f.close()
	return s.latestEvent(f)
}

// Spec reads what was asked for. Its errors are those of [Store.Job].
func (s *Store) Spec(id job.ID) (job.Spec, error) {
	if err := checkID(id); err != nil {
		return job.Spec{}, fmt.Errorf("read spec: %w", err)
	}
	spec, err := s.spec(id)
	if err != nil {
		return job.Spec{}, fmt.Errorf("read spec of job %s: %w", id, err)
	}
	return spec, nil
}

func (s *Store) spec(id job.ID) (spec job.Spec, err error) {
	err = s.explainMissing(id, func() (err error) { spec, err = s.readSpec(filepath.Join(s.jobDir(id), specFile), id); return err })
	return spec, err
}

// readSpec reads a job's spec from a path. For a file without a valid spec of this job it returns
// errUnreadable.
func (s *Store) readSpec(path string, id job.ID) (spec job.Spec, err error) {
	b, _, err := s.readFile(path)
	if err != nil {
		return spec, err
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		return job.Spec{}, fmt.Errorf("%s: %w", specFile, errors.Join(errUnreadable, err))
	}
	if err := validSpec(&spec, id); err != nil {
		return job.Spec{}, err
	}
	return spec, nil
}

// Pictures reads the submitted pictures of a spec, as [Store.Spec] returns it: the photograph, and
// the user's own style picture, nil if there is none. Its errors are those of [Store.Job], and
// another one if the pictures don't have the sizes in the spec.
func (s *Store) Pictures(spec *job.Spec) (photo, style []byte, err error) {
	if err := checkID(spec.ID); err != nil {
		return nil, nil, fmt.Errorf("read the pictures: %w", err)
	}
	want := spec.Input.Bytes
	if spec.StyleInput != nil {
		want += spec.StyleInput.Bytes
	}
	var b []byte
	err = s.explainMissing(spec.ID, func() (err error) {
		b, _, err = s.readUpTo(filepath.Join(s.jobDir(spec.ID), inputFile), want)
		return err
	})
	if err == nil && int64(len(b)) != want {
		err = &fs.PathError{Op: "read", Path: inputFile, Err: fmt.Errorf("%d bytes; the spec has %d", len(b), want)}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the pictures of job %s: %w", spec.ID, err)
	}
	photo = b[:spec.Input.Bytes:spec.Input.Bytes]
	if spec.StyleInput != nil {
		style = b[spec.Input.Bytes:]
	}
	return photo, style, nil
}

// Result opens the painted picture of a succeeded job; the caller closes it. For a job without one
// the error is job.ErrNotFinished; the others are those of [Store.Job].
func (s *Store) Result(id job.ID) (f *os.File, j job.Job, err error) {
	r, err := s.currentRecord(id)
	if err == nil {
		j = r.public()
		f, err = s.openOutput(r, outputFile(r.Claim))
	}
	if err != nil {
		return nil, j, fmt.Errorf("result of job %s: %w", id, err)
	}
	return f, j, nil
}

// Thumbnail opens the thumbnail of a public job that has succeeded, a JPEG file; the caller closes
// it. For a job without one the error is job.ErrNotFinished or job.ErrNoThumbnail; the others are
// those of [Store.Job].
func (s *Store) Thumbnail(id job.ID) (f *os.File, j job.Job, err error) {
	r, err := s.currentRecord(id)
	if err == nil {
		j = r.public()
		if r.Public {
			f, err = s.openOutput(r, thumbFile(r.Claim))
		} else {
			err = job.ErrNoThumbnail
		}
	}
	if err != nil {
		return nil, j, fmt.Errorf("thumbnail of job %s: %w", id, err)
	}
	return f, j, nil
}

// openOutput opens the picture or thumbnail of a succeeded job.
func (s *Store) openOutput(r *record, name string) (f *os.File, err error) {
	if r.State != job.Succeeded {
		return nil, fmt.Errorf("%w: it is %s", job.ErrNotFinished, r.State)
	}
	var info fs.FileInfo
	err = s.explainMissing(r.ID, func() (err error) {
		f, info, err = s.openFile(filepath.Join(s.jobDir(r.ID), name))
		return err
	})
	if err != nil {
		return nil, err
	}
	if n := info.Size(); name == outputFile(r.Claim) && n != r.Result.Bytes || name == thumbFile(r.Claim) && n > maxSmall {
		_ = f.Close() // opened for reading only
		return nil, fmt.Errorf("%w: %s: %d bytes, which is not the size that was stored", errUnreadable, name, n)
	}
	return f, nil
}

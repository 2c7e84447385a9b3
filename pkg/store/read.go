package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/atelier-go/atelier/pkg/job"
)

// Job reads a job as users see it. The status is a projection that a crash can
// leave behind the truth, so an unfinished one is held against the run's final
// record, which decides.
func (s *Store) Job(id job.ID) (job.Job, error) {
	j, err := s.status(id)
	if err != nil {
		return job.Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	if j.State.Finished() {
		return j, nil
	}
	f, err := s.final(id, j.Run)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return j, nil
	case err != nil:
		return job.Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	f.apply(&j)
	return j, nil
}

func (s *Store) status(id job.ID) (job.Job, error) {
	path, err := s.path(id, statusFile)
	if err != nil {
		return job.Job{}, err
	}
	var j job.Job
	if err := readJSON(path, &j); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = s.missing()
		}
		return job.Job{}, err
	}
	return j, nil
}

// Spec reads what was asked for.
func (s *Store) Spec(id job.ID) (job.Spec, error) {
	path, err := s.path(id, specFile)
	if err != nil {
		return job.Spec{}, fmt.Errorf("read spec: %w", err)
	}
	var spec job.Spec
	if err := readJSON(path, &spec); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = s.missing()
		}
		return job.Spec{}, fmt.Errorf("read spec of job %s: %w", id, err)
	}
	if spec.V != job.SpecVersion {
		return job.Spec{}, fmt.Errorf("read spec of job %s: version %d, this program knows %d", id, spec.V, job.SpecVersion)
	}
	return spec, nil
}

// Input reads the picture as it was submitted.
func (s *Store) Input(id job.ID) ([]byte, error) { return s.picture(id, inputFile) }

// StyleInput reads the user's own style picture; job.ErrNotFound without one.
func (s *Store) StyleInput(id job.ID) ([]byte, error) { return s.picture(id, styleFile) }

func (s *Store) picture(id job.ID, name string) ([]byte, error) {
	path, err := s.path(id, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	b, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = s.missing()
	}
	if err != nil {
		return nil, fmt.Errorf("read %s of job %s: %w", name, id, err)
	}
	return b, nil
}

// Result opens the painted picture of a succeeded job; the caller closes it.
// A job without one is job.ErrNotFinished.
func (s *Store) Result(id job.ID) (*os.File, job.Job, error) {
	j, err := s.Job(id)
	if err != nil {
		return nil, job.Job{}, err
	}
	if j.State != job.Succeeded {
		return nil, j, fmt.Errorf("result of job %s: %w: it is %s", id, job.ErrNotFinished, j.State)
	}
	fin, err := s.final(id, j.Run)
	if err != nil {
		return nil, j, fmt.Errorf("result of job %s: %w", id, err)
	}
	path, err := s.path(id, outputFile(fin.Claim))
	if err != nil {
		return nil, j, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, j, fmt.Errorf("result of job %s: %w", id, err)
	}
	return f, j, nil
}

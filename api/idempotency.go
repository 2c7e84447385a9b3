package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-go/atelier/pkg/job"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255 // characters
)

// keyParameter documents the header; idempotencyKey reads it, because huma takes
// an empty header for none.
func keyParameter() *huma.Param {
	shortest, longest := 1, maxKey
	return &huma.Param{
		Name: keyHeader, In: "header",
		Description: "Chosen by the client, a new one for each new job: a random text. Makes the request safe to repeat for 24 hours.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest, Pattern: "^[!-~]+$"},
	}
}

// idempotencyKey reads the header; empty where there is none.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values(keyHeader)
	if len(values) == 0 {
		return "", nil
	}
	wrong := func(problem string) error { return &job.FieldError{Field: keyHeader, Problem: problem} }
	key := values[0]
	switch {
	case len(values) > 1:
		return "", wrong("was sent twice")
	case key == "" || len(key) > maxKey:
		return "", wrong(fmt.Sprintf("must have 1 to %d characters", maxKey))
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return "", wrong("must be visible ASCII characters, without spaces")
		}
	}
	return key, nil
}

// keepOnce is keep under an idempotency key. What is stored under a key stays,
// because another request may have been promised it: if it can't be announced,
// the same request again does so, or the sweeper.
func (s *Server) storeOnce(ctx context.Context, spec *job.Spec, f *form, key string) (job.Job, error) {
	j, made, err := s.Store.CreateOnce(spec, f.files["image"], f.files["style_image"], key)
	f.releaseMemory()
	return s.enqueueKeyed(ctx, j, made, err)
}

// announceOnce announces a job that was made under a key, by this request or another.
func (s *Server) enqueueKeyed(ctx context.Context, j job.Job, made bool, err error) (job.Job, error) {
	if errors.Is(err, job.ErrKeyReused) || errors.Is(err, job.ErrUploadTaken) || errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrQuota) || errors.Is(err, job.ErrDiskFull) || errors.Is(err, job.ErrBacklog) {
		return job.Job{}, err
	}
	switch {
	case err != nil:
	case made:
		err = s.enqueueAndRemember(ctx, message(ctx, j.ID, j.Run, j.Owner))
	case j.State == job.Queued && j.Attempts == 0 && !createdRecently(j):
		err = s.enqueueAgain(ctx, j, false)
	}
	if err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errMaybeStored, err)
	}
	return j, nil
}

// justMade reports whether the request that made a job may still be about to announce it. A time that is further
// ahead than that is by the clock of another machine, which tells nothing.
func createdRecently(j job.Job) bool { return time.Since(j.CreatedAt).Abs() <= enqueueGrace }

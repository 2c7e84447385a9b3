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

// keyParameter describes the header Idempotency-Key in the OpenAPI document. idempotencyKey reads
// it, because huma treats an empty header like a missing one.
func keyParameter() *huma.Param {
	shortest, longest := 1, maxKey
	return &huma.Param{
		Name: keyHeader, In: "header",
		Description: "Chosen by the client, a new one for each new job: a random text. Makes the request safe to repeat for 24 hours.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest, Pattern: "^[!-~]+$"},
	}
}

// idempotencyKey returns the idempotency key of a request; "" if the request has no such header.
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

// storeOnce is like storeAndEnqueue, for a request with an idempotency key. The stored job stays
// even if it can't be enqueued, because another request with the key may have confirmed it: sending
// the same request again enqueues it, or the sweeper does.
func (s *Server) storeOnce(ctx context.Context, spec *job.Spec, f *form, key string) (job.Job, error) {
	j, created, err := s.Store.CreateOnce(spec, f.files["image"], f.files["style_image"], key)
	f.releaseMemory()
	return s.enqueueKeyed(ctx, j, created, err)
}

// enqueueKeyed enqueues a job that was stored with an idempotency key. err is the error of storing
// it, and created reports whether this request has stored it, and not an earlier one.
func (s *Server) enqueueKeyed(ctx context.Context, j job.Job, created bool, err error) (job.Job, error) {
	if errors.Is(err, job.ErrKeyReused) || errors.Is(err, job.ErrUploadTaken) || errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrQuota) || errors.Is(err, job.ErrDiskFull) || errors.Is(err, job.ErrBacklog) {
		return job.Job{}, err
	}
	switch {
	case err != nil:
	case created:
		err = s.enqueueAndRemember(ctx, message(ctx, j.ID, j.Run, j.Owner))
	case j.State == job.Queued && j.Attempts == 0 && !createdRecently(j):
		err = s.enqueueAgain(ctx, j, false)
	}
	if err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errMaybeStored, err)
	}
	return j, nil
}

// createdRecently reports whether the request that created a job may still be about to enqueue it.
// If the creation time is further in the future, it is from the clock of another machine, and says
// nothing.
func createdRecently(j job.Job) bool { return time.Since(j.CreatedAt).Abs() <= enqueueGrace }

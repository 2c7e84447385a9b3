package main

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// copyTimeout is the maximum wait until pictures are in the bucket.
const copyTimeout = 30 * time.Second

// await waits until all painted pictures are in the bucket and the gallery. Without functions it copies them itself;
// with functions the schedule starts the copies. A job can be read as succeeded a moment before it is published, so a
// picture may have no file yet.
func (m *mirror) await(ctx context.Context, paintings []painting) error {
	ctx, cancel := context.WithTimeoutCause(ctx, copyTimeout, fmt.Errorf("not within %s", copyTimeout))
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		missing, err := m.missing(ctx, paintings)
		switch {
		case err != nil:
		case m.copier == nil: // one round after all pictures are published, so that the gallery has them too
			err = m.round(ctx)
		case missing == "" && !m.copier.service.Idle():
			missing = "the gallery's manifest"
		}
		if err == nil && missing == "" {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("copy the pictures to s3://%s: %w", bucketName, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not reach s3://%s: %w", missing, bucketName, context.Cause(ctx))
		case <-again.C:
		}
	}
}

// missing returns a picture that is not in the bucket; "" if there is none.
func (m *mirror) missing(ctx context.Context, paintings []painting) (string, error) {
	for _, p := range paintings {
		for _, name := range store.Published(p.job.ID, p.job.Format, p.job.Public) {
			if there, err := m.gallery.Has(ctx, name); err != nil || !there {
				return name, err
			}
		}
	}
	return "", nil
}

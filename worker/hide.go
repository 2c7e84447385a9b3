package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// hide keeps a message from other receivers until stop is called, renewing at a
// third of the time. A single failure may pass; when the time has run out the
// message is somebody else's and the work is cancelled.
func hide(ctx context.Context, q extender, d job.Delivery, visibility time.Duration) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(visibility / 3)
		defer every.Stop()
		until := time.Now().Add(visibility)
		for {
			select {
			case <-held.Done():
				return
			case <-every.C:
			}
			asked := time.Now()
			err := extend(held, q, d, visibility, until)
			switch {
			case err == nil:
				until = asked.Add(visibility)
			case held.Err() != nil:
				return
			case time.Now().Add(visibility / 3).After(until):
				// Not wrapped: an error of the network must not look like one of the
				// job's files.
				cancel(fmt.Errorf("message %s was not kept hidden: %s", d.ID, err.Error()))
				return
			}
		}
	}()
	return held, func() { cancel(nil); <-done }
}

// extend is one try to keep a message hidden, which must not take longer than
// the message stays hidden.
func extend(ctx context.Context, q extender, d job.Delivery, visibility time.Duration, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until.Add(-visibility/6))
	defer cancel()
	return q.Extend(ctx, d, visibility)
}

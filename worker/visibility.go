package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// extendVisibility keeps a message hidden from other receivers until stop is called: it extends the
// visibility each time a third of it is over. It tries again after a failure. If the visibility is
// nearly over, the context held ends, because another worker may receive the message then.
func extendVisibility(ctx context.Context, q extender, d job.Delivery, visibility time.Duration) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(visibility / 3)
		defer tick.Stop()
		until := time.Now().Add(visibility)
		for {
			select {
			case <-held.Done():
				return
			case <-tick.C:
			}
			requested := time.Now()
			err := extend(held, q, d, visibility, until)
			switch {
			case err == nil:
				until = requested.Add(visibility)
			case held.Err() != nil:
				return
			case time.Now().Add(visibility / 3).After(until):
				// Not wrapped, because an error of the network must not count as a
				// file error.
				cancel(fmt.Errorf("the visibility of message %s could not be extended: %s", d.ID, err.Error()))
				return
			}
		}
	}()
	return held, func() { cancel(nil); <-done }
}

// extend extends the visibility of a message with one call. until is when the present visibility
// ends; the call ends a sixth of the visibility before that.
func extend(ctx context.Context, q extender, d job.Delivery, visibility time.Duration, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until.Add(-visibility/6))
	defer cancel()
	return q.Extend(ctx, d, visibility)
}

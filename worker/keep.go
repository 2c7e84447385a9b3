package worker

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// keep renews a lease at a third of its time until stop is called. When the
// lease can't be kept, the context it answers is cancelled, since the job may
// be another's by then: at once if it is lost, and else, since a file server
// may hiccup, when the next try could come too late. stop waits for the renewal
// to end and says why it cancelled the context, nil if it did not.
func (w *Worker) keep(ctx context.Context, lease *store.Lease) (held context.Context, stop func() error) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		term := w.Store.Lease()
		every := time.NewTicker(term / 3)
		defer every.Stop()
		renewed := time.Now()
		for {
			select {
			case <-held.Done():
				return
			case <-every.C:
			}
			asked := time.Now()
			err := lease.Renew()
			switch {
			case err == nil:
				renewed = asked
			case errors.Is(err, job.ErrLeaseLost), time.Since(renewed) > term*2/3:
				cancel(err)
				return
			}
		}
	}()
	return held, func() error {
		cause := context.Cause(held)
		cancel(nil)
		<-done
		return cause
	}
}

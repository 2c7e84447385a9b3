package worker

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// keep renews a lease at a third of its time until stop is called. When the
// lease can't be kept, the context it answers is cancelled, since the job may
// be another's by then. stop waits for the renewal to end and says why it
// cancelled the context, nil if it did not.
func (w *Worker) keep(ctx context.Context, lease *store.Lease) (held context.Context, stop func() error) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(w.Store.Lease() / 3)
		defer every.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-every.C:
				if err := lease.Renew(); err != nil {
					cancel(err)
					return
				}
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

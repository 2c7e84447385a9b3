package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// checkEvery is how often a worker looks whether its job was canceled or erased, which
// frees it for the next.
const checkEvery = 2 * time.Second

// longest is how long an attempt may take in all, with the waits for memory and for the engine behind others: else one
// that hangs outside of the engine would keep its lease for ever.
func (w *Worker) longest() time.Duration {
	return time.Duration(2+int(w.claims.Load())/w.Concurrent) * w.Watchdog
}

// keep renews a lease at a third of its time, and checks it in between, until stop is
// called, which waits for a renewal that is under way. When the lease can't be kept, the context it
// answers is cancelled, since the job may be another's by then: at once if it is
// lost, and else, since a file server may hiccup, when a sixth of the term is
// left to stop the work in. That time is measured from when the last renewal that
// succeeded was asked for, and does not wait for the next try: a renewal from a
// file server that is gone may hang for ever.
func (w *Worker) keep(ctx context.Context, lease *store.Lease) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	term := w.Store.Lease()
	last := func(asked time.Time) time.Duration { return time.Until(asked.Add(term - term/6)) }
	var failed atomic.Value // what the last try said
	failed.Store("no answer")
	tooLate := time.AfterFunc(last(lease.Began), func() {
		cancel(fmt.Errorf("%w: the lease was not renewed in time: %s", job.ErrStoreAway, failed.Load()))
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer tooLate.Stop()
		interval := min(checkEvery, term/3)
		every := time.NewTicker(interval)
		defer every.Stop()
		renewed := lease.Began
		var took time.Duration // without the time in which the process was frozen
		for {
			select {
			case <-held.Done():
				return
			case <-every.C:
			}
			if held.Err() != nil { // after a long sleep both are ready
				return
			}
			if took += interval; took > w.longest() {
				err := fmt.Errorf("%w: an attempt at job %s has taken %s", ErrStuck, lease.Spec.ID, took)
				w.setStuck(err)
				cancel(err)
				return
			}
			asked := time.Now()
			renew, due := lease.Check, asked.Sub(renewed) >= term/3-checkEvery/2
			if due {
				renew = lease.Renew
			}
			err := renew()
			switch {
			case err == nil && due:
				renewed = asked
				tooLate.Reset(last(asked))
			case err == nil: // it stands
			case errors.Is(err, job.ErrLeaseLost):
				cancel(err)
				return
			default:
				failed.Store(err.Error())
			}
		}
	}()
	return held, func() { cancel(nil); <-done }
}

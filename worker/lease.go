package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// checkInterval is how often a worker checks whether its job was canceled or erased, which frees
// its slot for the next job.
const checkInterval = 2 * time.Second

// maxAttemptTime is how long an attempt may take in all, with the waits behind others for memory
// and for the engine. Without it, an attempt that hangs outside of the engine would keep its lease
// forever.
func (w *Worker) maxAttemptTime() time.Duration {
	return time.Duration(2+int(w.maxClaims.Load())/w.cfg.Concurrent) * w.cfg.Watchdog
}

// renewLease renews the lease after a third of its term, and checks it in between, until stop is
// called. stop waits for a renewal that is under way. The returned context ends when the lease
// can't be kept, because another worker may claim the job then: at once if the lease is lost;
// otherwise, because a file server may be unavailable for a moment, when only a sixth of the term
// is left, in which the work can stop. The term is measured from the request of the last successful
// renewal, and its end does not wait for the next one: a renewal may hang forever if the file
// server is gone.
func (a *attempt) renewLease(ctx context.Context) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	term := a.w.cfg.Store.Lease()
	untilEnd := func(requested time.Time) time.Duration { return time.Until(requested.Add(term - term/6)) }
	var lastError atomic.Value // of a renewal or check
	lastError.Store("no response")
	end := time.AfterFunc(untilEnd(a.lease.Began), func() {
		cancel(fmt.Errorf("%w: the lease was not renewed in time: %s", job.ErrStoreUnavailable, lastError.Load()))
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer end.Stop()
		interval := min(checkInterval, term/3)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		renewed := a.lease.Began
		var took time.Duration // without the time in which the process was frozen
		for {
			select {
			case <-held.Done():
				return
			case <-tick.C:
			}
			if held.Err() != nil { // after a long sleep both are ready
				return
			}
			if took += interval; took > a.w.maxAttemptTime() {
				err := fmt.Errorf("%w: an attempt at job %s has taken %s", ErrStuck, a.message.Job, took)
				a.w.stuck.set(err)
				cancel(err)
				return
			}
			requested := time.Now()
			renew, due := a.lease.Check, requested.Sub(renewed) >= term/3-checkInterval/2
			if due {
				renew = a.lease.Renew
			}
			err := renew()
			switch {
			case err == nil && due:
				renewed = requested
				end.Reset(untilEnd(requested))
			case err == nil: // checked only
			case errors.Is(err, job.ErrLeaseLost):
				cancel(err)
				return
			default:
				lastError.Store(err.Error())
			}
		}
	}()
	return held, func() { cancel(nil); <-done }
}

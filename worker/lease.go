package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// checkInterval is how often a worker checks whether its job was canceled or erased. If it was, the
// slot becomes free for another job.
const checkInterval = 2 * time.Second

// maxAttemptTime returns how long an attempt may take in total, including the waits for memory and
// for the engine. Without this limit, an attempt that hangs outside of the engine would keep its
// lease forever.
func (w *Worker) maxAttemptTime() time.Duration {
	return time.Duration(2+int(w.maxClaims.Load())/w.cfg.Concurrent) * w.cfg.Watchdog
}

// renewLease renews the lease each time a third of its term is over, and checks in between whether
// the job was canceled, until stop is called. stop waits for a renewal that is under way.
//
// The context held ends when the lease can't be kept, because another worker may then claim the
// job. If the lease is lost, that is at once. If a renewal fails for another reason, the file
// server may only be unavailable for a moment: then it is when a sixth of the term is left, the
// time in which the work can stop. The term counts from the moment at which the last successful
// renewal was begun. The context does not wait for a renewal, because that may hang forever if the
// file server is gone.
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
				err := fmt.Errorf("%w: an attempt at job %s has taken %s, with all waits", ErrStuck, a.message.Job, took)
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

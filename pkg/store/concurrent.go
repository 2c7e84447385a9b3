package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/job"
)

// maxCalls is how many calls to the file server a Store has under way at most. Each call that waits
// for a reply holds a thread, and Go ends a process that needs 10,000 threads. Without the limit, a
// file server that does not reply for a while would end the process.
const maxCalls = 128

// maxParallel is how many calls concurrentlyLimited and runAll make at the same time.
const maxParallel = 16

// concurrently makes independent calls at the same time, so that the file server's round trips and
// a disk's commits take as long as one of them. It is for a few calls; see concurrentlyLimited.
func concurrently(calls ...func() error) error {
	errs := make([]error, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { errs[i] = call() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// concurrentlyLimited makes independent calls, up to maxParallel at the same time. After an error
// it begins no further call. A call must not use concurrentlyLimited itself, because the limits of
// both would multiply.
func concurrentlyLimited(calls []func() error) error {
	var begun atomic.Int64
	var failed atomic.Bool
	lines := make([]func() error, min(maxParallel, len(calls)))
	for i := range lines {
		lines[i] = func() error {
			for !failed.Load() {
				next := int(begun.Add(1)) - 1
				if next >= len(calls) {
					break
				}
				if err := calls[next](); err != nil {
					failed.Store(true)
					return err
				}
			}
			return nil
		}
	}
	return concurrently(lines...)
}

// runAll makes independent calls, up to maxParallel at the same time. It makes all of them,
// whatever errors occur, and returns one of the errors.
func runAll(calls []func() error) error {
	var failed failures
	all := make([]func() error, len(calls))
	for i, call := range calls {
		all[i] = func() error { failed.add(call()); return nil }
	}
	_ = concurrentlyLimited(all)
	return failed.err
}

// mustStop reports whether a task must stop: ctx has ended, or err means that the store is not
// available. A damaged job or folder does not stop a task, because it would hold up all others.
func mustStop(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, job.ErrStoreUnavailable)
}

// failures keeps one of many errors: if there is one, job.ErrStoreUnavailable, because it concerns
// all jobs. add may be called concurrently.
type failures struct {
	mu  sync.Mutex
	err error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && (f.err == nil || errors.Is(err, job.ErrStoreUnavailable)) {
		f.err = err
	}
}

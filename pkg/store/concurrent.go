package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/job"
)

// maxCalls is how many calls of the file server a process has under way at most. Each that waits for its
// answer holds a thread, and Go ends a process that needs 10,000: without a bound it would die of a file
// server that does not answer for a while.
const maxCalls = 128

// inParallel is how many of many calls are made at a time.
const maxParallel = 16

// together makes calls that don't need each other at the same time: the file
// server's round trips, and a disk's commits, then cost as much as one. It is for a few; see inTurns.
func concurrently(calls ...func() error) error {
	errs := make([]error, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { errs[i] = call() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// inTurns makes calls that don't need each other, some at a time, and after an error no further ones. A call
// must not make others in turns: their number would multiply with each depth.
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

// regardless makes calls that don't need each other, some at a time, all of them whatever errors come, and returns one
// of those.
func runAll(calls []func() error) error {
	var failed failures
	all := make([]func() error, len(calls))
	for i, call := range calls {
		all[i] = func() error { failed.add(call()); return nil }
	}
	_ = concurrentlyLimited(all)
	return failed.err
}

// stops reports whether a task is to stop after an error: not because of one job or folder that is damaged, which would
// hold up all others.
func mustStop(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, job.ErrStoreAway)
}

// failures keeps one of many errors: that the store is away, which is one of all jobs, rather than another. add may
// be called concurrently.
type failures struct {
	mu  sync.Mutex
	err error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && (f.err == nil || errors.Is(err, job.ErrStoreAway)) {
		f.err = err
	}
}

package store

import (
	"errors"
	"sync"
	"sync/atomic"
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

package store

import (
	"context"
	"errors"
	"sync"

	"github.com/atelier-go/atelier/pkg/job"
)

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

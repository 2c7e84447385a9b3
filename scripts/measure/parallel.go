package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A pace is the result of parallel workers: pieces a second, and the time of each piece in seconds,
// sorted.
type pace struct {
	PerSecond float64
	Took      []float64
}

// inParallel runs pieces of work, numbered from 0, on a number of workers while another returns
// true. It stops at the first error.
func inParallel(ctx context.Context, workers int, another func() bool, do func(ctx context.Context, i int) error) (pace, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		took []float64
		next atomic.Int64
	)
	began := time.Now()
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil && another() {
				one := time.Now()
				if err := do(ctx, int(next.Add(1)-1)); err != nil {
					stop(err)
					return
				}
				d := time.Since(one).Seconds()
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	whole := time.Since(began).Seconds()
	if err := context.Cause(ctx); err != nil {
		return pace{}, err
	}
	slices.Sort(took)
	return pace{float64(len(took)) / whole, took}, nil
}

// times returns a function that returns true n times.
func times(n int) func() bool {
	var asked atomic.Int64
	return func() bool { return asked.Add(1) <= int64(n) }
}

// lasting returns a function that returns true during d.
func lasting(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().Before(end) }
}

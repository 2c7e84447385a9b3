package worker

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/atelier-go/atelier/pkg/job"
)

// A memoryBudget limits the memory that all pictures in work take together. How much each takes is
// estimated before it is decoded. Memory is reserved in the order of the requests, so that small
// pictures can't make a large one wait forever.
type memoryBudget struct {
	bytes int64 // 0 means no limit
	free  *semaphore.Weighted
}

// A reservation is the part of the budget that one picture has. It is returned when all holders
// have released it.
type reservation struct {
	budget  *memoryBudget
	bytes   int64
	holders atomic.Int32
}

// reserve waits for memory for a picture, unless the attempt is interrupted. If a picture needs
// more than the whole budget, the error is a [job.Failure]: painting it would end the process, and
// with it the other attempts.
func (b *memoryBudget) reserve(ctx context.Context, stop <-chan struct{}, bytes int64) (*reservation, error) {
	r := &reservation{budget: b, bytes: bytes}
	r.holders.Store(1)
	if b.bytes == 0 {
		return r, nil
	}
	if bytes > b.bytes {
		return nil, &job.Failure{Code: job.CodeTooLarge, Message: fmt.Sprintf(
			"painting it takes %d MB, and the worker has %d MB for pictures: ask for a smaller size", bytes>>20, b.bytes>>20)}
	}
	if !b.free.TryAcquire(bytes) { // also fails if others wait
		wait, cancel := untilClosed(ctx, stop)
		defer cancel()
		if err := b.free.Acquire(wait, bytes); err != nil {
			return nil, interrupted(ctx, stop)
		}
	}
	if err := interrupted(ctx, stop); err != nil { // at the same moment
		r.release()
		return nil, err
	}
	return r, nil
}

// retain adds a holder: a run of the engine, which may outlast its attempt.
func (r *reservation) retain() { r.holders.Add(1) }

func (r *reservation) release() {
	if r.holders.Add(-1) == 0 && r.budget.bytes > 0 {
		r.budget.free.Release(r.bytes)
	}
}

// untilClosed returns a context that ends when ctx does, when done is closed, or when the returned
// function is called.
func untilClosed(ctx context.Context, done <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

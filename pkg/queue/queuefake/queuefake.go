// Package queuefake is a queue in memory, for tests and benchmarks of what
// works on one. It passes the suite that SQS must pass (queuetest), at a speed
// that leaves the measuring to what is measured, and misbehaves to order: see
// [Faults]. No production program may link it.
package queuefake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
)

// Config says how a Queue behaves; the zero value is a queue without faults and
// without a dead-letter queue.
type Config struct {
	// MaxReceives is how often a message is received before it goes to the
	// dead-letter queue instead; 0: it never does.
	MaxReceives int
	Faults      Faults
	// Seed decides where the faults strike: calls in the same order meet the
	// same ones.
	Seed uint64
}

// A Queue is safe for concurrent use. It holds no goroutine and needs no
// closing. Its time is package time's, so that it works under synctest.
type Queue struct {
	config Config
	dead   *Queue // nil: none

	mu      sync.Mutex
	random  *rand.Rand
	broken  error // of every call, see Break
	shelf   shelf
	waiting waiters
	alarm   *time.Timer // for the first hidden message, while anybody waits
	alarmAt time.Time   // zero: it is not set
}

// New makes an empty queue.
func New(c Config) *Queue {
	q := &Queue{config: c, random: rand.New(rand.NewPCG(c.Seed, 0)), shelf: newShelf()}
	if c.MaxReceives > 0 {
		q.dead = New(Config{})
	}
	return q
}

// Dead is the dead-letter queue, which has no faults.
func (q *Queue) Dead(context.Context) (*Queue, error) {
	if q.dead == nil {
		return nil, fmt.Errorf("dead-letter queue: %w", queue.ErrNoDeadLetters)
	}
	return q.dead, nil
}

// Break lets every call fail with err from now on, polls in progress among
// them, until it is called with nil.
func (q *Queue) Break(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
	q.waiting.wake(q.waiting.line.Len())
}

// Check fails only when the queue is broken or a fault strikes.
func (q *Queue) Check(ctx context.Context) error {
	if err := q.do(ctx, Check, func(time.Time) error { return nil }); err != nil {
		return fmt.Errorf("check queue: %w", err)
	}
	return nil
}

// Depth counts exactly.
func (q *Queue) Depth(ctx context.Context) (d job.Depth, err error) {
	err = q.do(ctx, Depth, func(time.Time) error {
		d = q.shelf.depth()
		return nil
	})
	if err != nil {
		return job.Depth{}, fmt.Errorf("depth of queue: %w", err)
	}
	return d, nil
}

// do is a call: one at a time, at a time for which the shelf is right.
func (q *Queue) do(ctx context.Context, c Call, f func(now time.Time) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.strike(c, func() error {
		now := time.Now()
		q.waiting.wake(q.shelf.settle(now))
		defer q.watch()
		return f(now)
	})
}

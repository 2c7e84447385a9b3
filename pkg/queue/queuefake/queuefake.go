// Package queuefake is a queue in memory for tests and benchmarks. It passes the suite for SQS
// (queuetest), is fast enough to be left out of account in measurements, and injects faults on
// request: see [Faults]. No production program may link it.
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

// Config configures a Queue. The zero value is a queue without faults and without a dead-letter
// queue.
type Config struct {
	// MaxReceives is the number of receives after which a message goes to the dead-letter queue at
	// the next one; 0 is no limit.
	MaxReceives int
	Faults      Faults
	// Seed initialises the choice of faults: the same calls in the same order get the same faults.
	Seed uint64
}

// A Queue is safe for concurrent use. It has no goroutines and is not closed. It uses package time,
// so it works with synctest.
type Queue struct {
	config Config
	dead   *Queue // nil if there is none

	mu       sync.Mutex
	random   *rand.Rand
	broken   error // the error of every call, see Break
	messages messages
	waiting  waiters
	timer    *time.Timer // for the first hidden message, while a poll is waiting
	timerAt  time.Time   // zero if it is not set
}

// New returns an empty queue.
func New(c Config) *Queue {
	q := &Queue{config: c, random: rand.New(rand.NewPCG(c.Seed, 0)), messages: newMessages()}
	if c.MaxReceives > 0 {
		q.dead = New(Config{})
	}
	return q
}

// DeadLetterQueue returns the dead-letter queue, which has no faults.
func (q *Queue) DeadLetterQueue(context.Context) (*Queue, error) {
	if q.dead == nil {
		return nil, fmt.Errorf("dead-letter queue: %w", queue.ErrNoDeadLetters)
	}
	return q.dead, nil
}

// Break makes every call fail with err, and ends polls in progress with it, until Break is called
// with nil.
func (q *Queue) Break(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
	q.waiting.wake(q.waiting.list.Len())
}

// Check fails only if the queue is broken or by an injected fault.
func (q *Queue) Check(ctx context.Context) error {
	if err := q.call(ctx, Check, func(time.Time) error { return nil }); err != nil {
		return fmt.Errorf("check queue: %w", err)
	}
	return nil
}

// Depth returns the numbers of messages, which are exact here.
func (q *Queue) Depth(ctx context.Context) (d job.Depth, err error) {
	err = q.call(ctx, Depth, func(time.Time) error {
		d = q.messages.depth()
		return nil
	})
	if err != nil {
		return job.Depth{}, fmt.Errorf("depth of queue: %w", err)
	}
	return d, nil
}

// call runs f with the present time and the faults of call c, while no other call runs. Before
// that, it makes messages visible whose visibility or delay is over.
func (q *Queue) call(ctx context.Context, c Call, f func(now time.Time) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.withFaults(c, func() error {
		now := time.Now()
		q.waiting.wake(q.messages.showDue(now))
		defer q.setTimer()
		return f(now)
	})
}

package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A fakeQueue is a queue in memory that delivers messages and records what the worker does with them.
type fakeQueue struct {
	messages chan job.Delivery              // to be received
	failures chan error                     // of Receive, before it receives messages
	receive  func() ([]job.Delivery, error) // called by Receive, unless it is nil

	extendFails bool
	extendHangs bool // until its context ends

	mu           sync.Mutex
	deleted      []string
	extended     map[string][]time.Duration
	maxRequested int // messages in one call of Receive
}

func newFakeQueue(ds ...job.Delivery) *fakeQueue {
	q := &fakeQueue{messages: make(chan job.Delivery, 100), failures: make(chan error, 10), extended: map[string][]time.Duration{}}
	for _, d := range ds {
		q.messages <- d
	}
	return q
}

func (q *fakeQueue) Receive(ctx context.Context, n int, wait, _ time.Duration) ([]job.Delivery, error) {
	if q.receive != nil {
		return q.receive()
	}
	q.mu.Lock()
	q.maxRequested = max(q.maxRequested, n)
	q.mu.Unlock()
	select {
	case err := <-q.failures:
		return nil, err
	default:
	}
	select {
	case d := <-q.messages:
		return []job.Delivery{d}, nil
	case <-time.After(wait):
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q *fakeQueue) Extend(ctx context.Context, d job.Delivery, v time.Duration) error {
	if q.extendHangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.extendFails {
		return errors.New("the queue is unavailable")
	}
	q.extended[d.ID] = append(q.extended[d.ID], v)
	return nil
}

func (q *fakeQueue) Delete(_ context.Context, d job.Delivery) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deleted = append(q.deleted, d.ID)
	return nil
}

func (q *fakeQueue) isDeleted(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Contains(q.deleted, id)
}

// extensions returns the visibilities that a message was given, in their order.
func (q *fakeQueue) extensions(id string) []time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.extended[id])
}

// delivery returns the first delivery of a message.
func delivery(m job.Message) job.Delivery {
	return job.Delivery{ID: string(m.Job), Body: m.Encode(), Received: 1}
}

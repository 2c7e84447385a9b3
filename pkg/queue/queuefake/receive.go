package queuefake

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
)

// Receive is as that of [queue.Queue], but takes times as they are, without
// rounding them to seconds.
func (q *Queue) Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error) {
	lost, err := q.begin(Receive)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	ds, err := q.poll(ctx, min(max, queue.MaxBatch), min(wait, queue.MaxWait), visibility)
	if err == nil && lost {
		err = ErrFault
	}
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	return ds, nil
}

func (q *Queue) begin(c Call) (lost bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.roll(c)
}

// poll tries at once, whenever it is woken, and when its time is over.
func (q *Queue) poll(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error) {
	over := make(<-chan time.Time)
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	for last := wait <= 0; ; {
		ds, w, err := q.takeOrWait(ctx, max, visibility, last)
		if w == nil {
			return ds, err
		}
		select {
		case <-w.woken:
		case <-over:
			last = true
		case <-ctx.Done():
		}
		q.stopWaiting(w)
	}
}

// takeOrWait waits where there is nothing to take and this is not the last try.
func (q *Queue) takeOrWait(ctx context.Context, max int, visibility time.Duration, last bool) ([]job.Delivery, *waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ctx.Err() != nil {
		q.waiting.wake(1) // for a message that may have woken this poll
		return nil, nil, context.Cause(ctx)
	}
	if q.broken != nil {
		return nil, nil, q.broken
	}
	now := time.Now()
	q.waiting.wake(q.shelf.settle(now))
	defer q.watch()
	ds := q.take(max, now, visibility)
	if len(ds) > 0 || last {
		return ds, nil, nil
	}
	return nil, q.waiting.join(), nil
}

// take takes what is visible, and moves what was received too often.
func (q *Queue) take(max int, now time.Time, visibility time.Duration) (ds []job.Delivery) {
	for n := q.shelf.visible; n > 0 && len(ds) < max; n-- {
		m := q.shelf.next()
		if q.dead != nil && m.received >= q.config.MaxReceives {
			q.shelf.remove(m)
			q.dead.adopt(m, now)
			continue
		}
		m.received++
		ds = append(ds, job.Delivery{ID: m.id, Body: m.body, Received: m.received, Handle: m.handle(), Request: m.request})
		if visibility <= 0 || q.chance(q.config.Faults.Stale) {
			q.shelf.dequeue(m)
			q.shelf.enqueue(m)
			q.waiting.wake(1)
		} else {
			q.shelf.hide(m, now.Add(visibility))
		}
	}
	return ds
}

// adopt takes a message from another queue. Its receives go on being counted,
// as in the emulators.
func (q *Queue) adopt(m *message, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(&message{id: m.id, body: m.body, group: m.group, request: m.request, received: m.received}, now, 0)
}

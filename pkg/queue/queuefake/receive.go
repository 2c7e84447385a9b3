package queuefake

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
)

// Receive is like the method of [queue.Queue], but does not round times.
func (q *Queue) Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error) {
	lost, err := q.beginCall(Receive)
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

func (q *Queue) beginCall(c Call) (lost bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.chooseFault(c)
}

// poll tries to receive messages: at once, each time it is woken, and a last time when wait is
// over.
func (q *Queue) poll(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error) {
	over := make(<-chan time.Time)
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	for last := wait <= 0; ; {
		ds, w, err := q.receiveOrWait(ctx, max, visibility, last)
		if w == nil {
			return ds, err
		}
		select {
		case <-w.woken:
		case <-over:
			last = true
		case <-ctx.Done():
		}
		q.removeWaiter(w)
	}
}

// receiveOrWait returns messages. If there are none, and this is not the last try, it returns a
// waiter that is woken when there may be some.
func (q *Queue) receiveOrWait(ctx context.Context, max int, visibility time.Duration, last bool) ([]job.Delivery, *waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ctx.Err() != nil {
		q.waiting.wake(1) // a message may have woken this poll; another one gets it
		return nil, nil, context.Cause(ctx)
	}
	if q.broken != nil {
		return nil, nil, q.broken
	}
	now := time.Now()
	q.waiting.wake(q.messages.showDue(now))
	defer q.setTimer()
	ds := q.receiveVisible(max, now, visibility)
	if len(ds) > 0 || last {
		return ds, nil, nil
	}
	return nil, q.waiting.add(), nil
}

// receiveVisible receives up to max visible messages. Those that were received too often are moved
// to the dead-letter queue.
func (q *Queue) receiveVisible(max int, now time.Time, visibility time.Duration) (ds []job.Delivery) {
	for n := q.messages.visible; n > 0 && len(ds) < max; n-- {
		m := q.messages.next()
		if q.dead != nil && m.receives >= q.config.MaxReceives {
			q.messages.remove(m)
			q.dead.insertDead(m, now)
			continue
		}
		m.receives++
		ds = append(ds, job.Delivery{ID: m.id, Body: m.body, Received: m.receives, Handle: m.handle(), Request: m.request})
		if visibility <= 0 || q.chance(q.config.Faults.Stale) {
			q.messages.dequeue(m)
			q.messages.enqueue(m)
			q.waiting.wake(1)
		} else {
			q.messages.hide(m, now.Add(visibility))
		}
	}
	return ds
}

// insertDead adds a dead letter to the dead-letter queue. It keeps its count of receives, as in the
// emulators.
func (q *Queue) insertDead(m *message, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(&message{id: m.id, body: m.body, group: m.group, request: m.request, receives: m.receives}, now, 0)
}

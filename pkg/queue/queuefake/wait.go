package queuefake

import (
	"container/list"
	"time"
)

// A waiter is a long poll in progress.
type waiter struct {
	place *list.Element
	woken chan struct{} // closed when it has been woken
}

// waiters stand in line, the first to come first. Each message that becomes
// visible wakes one of them, not all.
type waiters struct{ line list.List }

func (ws *waiters) join() *waiter {
	w := &waiter{woken: make(chan struct{})}
	w.place = ws.line.PushBack(w)
	return w
}

func (ws *waiters) wake(n int) {
	for ; n > 0 && ws.line.Len() > 0; n-- {
		close(ws.line.Remove(ws.line.Front()).(*waiter).woken)
	}
}

func (q *Queue) stopWaiting(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.line.Remove(w.place) // nothing if it was woken
}

// watch sets the alarm for the first hidden message while a poll is waiting.
// One timer serves all polls, so that a message which is hidden shortly wakes
// one that began before.
func (q *Queue) watch() {
	if q.waiting.line.Len() == 0 || len(q.shelf.hidden) == 0 {
		return
	}
	first := q.shelf.hidden[0].until
	if !q.alarmAt.IsZero() && !first.Before(q.alarmAt) {
		return // it rings early enough, and then looks again
	}
	q.alarmAt = first
	if q.alarm == nil {
		q.alarm = time.AfterFunc(time.Until(first), q.ring)
	} else {
		q.alarm.Reset(time.Until(first))
	}
}

func (q *Queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.alarmAt = time.Time{}
	q.waiting.wake(q.shelf.settle(time.Now()))
	q.watch()
}

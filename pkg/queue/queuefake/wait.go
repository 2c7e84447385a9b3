package queuefake

import (
	"container/list"
	"time"
)

// A waiter is a long poll in progress.
type waiter struct {
	element *list.Element
	woken   chan struct{} // closed when it is woken
}

// waiters are the long polls in progress, in the order in which they began. Each message that
// becomes visible wakes one of them, not all.
type waiters struct{ list list.List }

func (ws *waiters) add() *waiter {
	w := &waiter{woken: make(chan struct{})}
	w.element = ws.list.PushBack(w)
	return w
}

// wake wakes the first n waiters and removes them.
func (ws *waiters) wake(n int) {
	for ; n > 0 && ws.list.Len() > 0; n-- {
		close(ws.list.Remove(ws.list.Front()).(*waiter).woken)
	}
}

func (q *Queue) removeWaiter(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.list.Remove(w.element) // does nothing if it was woken
}

// setTimer sets the timer to the time at which the first hidden message becomes visible, if a poll
// is waiting. All polls share one timer, because a message may be hidden after a poll began and
// become visible before the poll ends.
func (q *Queue) setTimer() {
	if q.waiting.list.Len() == 0 || len(q.messages.hidden) == 0 {
		return
	}
	first := q.messages.hidden[0].hiddenUntil
	if !q.timerAt.IsZero() && !first.Before(q.timerAt) {
		return // it fires before that, and is set again then
	}
	q.timerAt = first
	if q.timer == nil {
		q.timer = time.AfterFunc(time.Until(first), q.timerFired)
	} else {
		q.timer.Reset(time.Until(first))
	}
}

func (q *Queue) timerFired() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timerAt = time.Time{}
	q.waiting.wake(q.messages.showDue(time.Now()))
	q.setTimer()
}

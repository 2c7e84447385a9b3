package queuefake

import (
	"errors"
	"time"
)

// A Call is the name of a method that can fail.
type Call string

// The calls that can fail.
const (
	Send    Call = "Send"
	SendAll Call = "SendAll"
	Receive Call = "Receive"
	Extend  Call = "Extend"
	Delete  Call = "Delete"
	Depth   Call = "Depth"
	Check   Call = "Check"
)

// ErrFault is the error of a call that fails because of [Faults].
var ErrFault = errors.New("injected fault")

// Faults are the probabilities, from 0 (never) to 1 (always), of the faults that a queue with
// at-least-once delivery may have.
type Faults struct {
	Duplicate  float64          // a sent message is delivered twice
	Delay      float64          // a sent message is hidden for a random time up to DelayUpTo
	DelayUpTo  time.Duration    // this also changes the order of messages
	Stale      float64          // a received message is not hidden, so the next receiver gets it too
	LostDelete float64          // a Delete succeeds, but the message is delivered again
	Refused    map[Call]float64 // the call fails without effect
	Lost       map[Call]float64 // the call takes effect, but fails, as if its response was lost
}

// chance returns true with probability p. For a p of 0 it draws no random number, so that a fault
// that is added to one call does not change the faults of the others.
func (q *Queue) chance(p float64) bool { return p > 0 && q.random.Float64() < p }

// chooseFault returns an error if the call is refused, and otherwise whether its response will be
// lost.
func (q *Queue) chooseFault(c Call) (lost bool, err error) {
	if q.broken != nil {
		return false, q.broken
	}
	if q.chance(q.config.Faults.Refused[c]) {
		return false, ErrFault
	}
	return q.chance(q.config.Faults.Lost[c]), nil
}

// withFaults executes a call with its faults: the call is refused, or it is executed and its
// response is lost, or neither.
func (q *Queue) withFaults(c Call, call func() error) error {
	lost, err := q.chooseFault(c)
	if err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	if lost {
		return ErrFault
	}
	return nil
}

// Purge removes all messages, as an operator may, and returns their number.
func (q *Queue) Purge() int { return q.Lose(time.Time{}) }

// Lose removes the messages that were sent at or after a time, as a crashed server may, and returns
// their number.
func (q *Queue) Lose(since time.Time) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages.all {
		if !m.sent.Before(since) {
			q.messages.remove(m)
			lost++
		}
	}
	return lost
}

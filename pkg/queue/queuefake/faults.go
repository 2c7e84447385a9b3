package queuefake

import (
	"errors"
	"time"
)

// A Call is a method of the queue, for the faults of it.
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

// ErrFault is what a call answers where [Faults] let it fail.
var ErrFault = errors.New("a fault of the fake queue")

// Faults are probabilities, from 0 (never) to 1 (always), of what a queue that
// delivers at least once may do to its users.
type Faults struct {
	Duplicate  float64          // a sent message is there twice
	Delay      float64          // a sent message can't be received yet, for a while up to DelayUpTo
	DelayUpTo  time.Duration    // also puts messages out of order
	Stale      float64          // a received message is not hidden: the next receiver has it too
	LostDelete float64          // a Delete succeeds, and the message comes again
	Refused    map[Call]float64 // the call fails and nothing has happened
	Lost       map[Call]float64 // the call has happened, but its answer was lost: it fails
}

// chance throws the dice. Without a fault to decide on it leaves them alone, so
// that faults added to one call don't move those of another.
func (q *Queue) chance(p float64) bool { return p > 0 && q.random.Float64() < p }

// roll decides on the fault of a call: err if it is refused, else whether its
// answer will be lost.
func (q *Queue) roll(c Call) (lost bool, err error) {
	if q.broken != nil {
		return false, q.broken
	}
	if q.chance(q.config.Faults.Refused[c]) {
		return false, ErrFault
	}
	return q.chance(q.config.Faults.Lost[c]), nil
}

// strike does what a call does, unless its fault prevents it.
func (q *Queue) strike(c Call, do func() error) error {
	lost, err := q.roll(c)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if lost {
		return ErrFault
	}
	return nil
}

// Purge removes all messages, as a person may, and returns how many.
func (q *Queue) Purge() int { return q.Lose(time.Time{}) }

// Lose removes the messages that were sent at or after a time, as a server that is killed may, and returns how many.
func (q *Queue) Lose(since time.Time) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.shelf.all {
		if !m.sent.Before(since) {
			q.shelf.remove(m)
			lost++
		}
	}
	return lost
}

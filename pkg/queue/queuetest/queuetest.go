// Package queuetest is the conformance suite for queues: SQS, its emulators and the fake in memory.
// A backend that differs from SQS declares each difference as a [Deviation]. The suite checks these
// too, so it also fails if a difference has disappeared.
package queuetest

import (
	"context"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Queue has the methods that api, worker and sweeper use.
type Queue interface {
	Send(ctx context.Context, m job.Message) error
	SendAll(ctx context.Context, ms []job.Message) error
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error
	Delete(ctx context.Context, d job.Delivery) error
	Depth(ctx context.Context) (job.Depth, error)
	Check(ctx context.Context) error
}

// A Setup is a queue, with functions that only tests need.
type Setup struct {
	Queue Queue
	// DeadLetterQueue opens the queue's dead-letter queue.
	DeadLetterQueue func(context.Context) (Queue, error)
	// SendRaw sends any body, which can be received after delay.
	SendRaw func(ctx context.Context, body string, delay time.Duration) error
	// DeleteRaw deletes a message and returns the service's error, if any, unchanged.
	DeleteRaw func(ctx context.Context, handle string) error
	// Missing opens a queue that does not exist, in each way of naming one, and returns the errors.
	Missing func(ctx context.Context) map[string]error
}

// A Backend is an implementation of the queue service.
type Backend struct {
	// Open creates an empty queue for a test and removes it after the test. A message that was
	// received so many times goes to the dead-letter queue at the next receive; with receives of 0
	// there is no dead-letter queue. Open is called concurrently.
	Open func(t testing.TB, receives int) Setup
	// Patience is how late counts and redeliveries may be; 0 is 10 s.
	Patience time.Duration
	// Deviations are the known differences between the backend and SQS.
	Deviations []Deviation
}

type suite struct{ Backend }

// Run tests a backend. Each test has a queue of its own, and all run at the same time, because they
// mostly wait for visibilities, which are whole seconds.
func Run(t *testing.T, b Backend) {
	if b.Patience == 0 {
		b.Patience = 10 * time.Second
	}
	s := suite{b}
	for _, test := range []struct {
		name string
		run  func(suite, *testing.T)
	}{
		{"a message is received as it was sent", suite.roundTrip},
		{"a foreign body is received as it was sent", suite.foreignBody},
		{"a body of 1 MiB is sent, a longer one refused", suite.bodySize},
		{"an empty poll takes its wait and returns no error", suite.emptyPoll},
		{"a poll ends soon after a send", suite.pollEnds},
		{"a poll ends with its context and loses nothing", suite.pollCanceled},
		{"a receive returns at most ten messages", suite.batches},
		{"a message is received with its request id", suite.requestID},
		{"messages of one group are in flight at once", suite.groupAtOnce},
		{"a group with many messages does not delay another", suite.fair},
		{"sending no messages is no error", suite.sendNone},
		{"a received message is hidden, then delivered again", suite.visibility},
		{"an extended message stays hidden longer", suite.extended},
		{"a message with a shortened visibility is delivered sooner", suite.shortened},
		{"a message with a visibility of 0 is delivered at once", suite.madeVisible},
		{"a deleted message is not delivered again", suite.deleted},
		{"a delete after the visibility is no error", suite.deletedLate},
		{"a second delete is no error", suite.deletedTwice},
		{"a delete by a stale handle is no error", suite.deletedByStaleHandle},
		{"the service accepts a second delete and a stale handle", suite.deletedByService},
		{"a deleted message can't be extended", suite.extendedDeleted},
		{"a message that is visible again can't be extended", suite.extendedLate},
		{"no message is hidden for more than 12 hours", suite.extendedTooLong},
		{"a message received too often goes to the dead-letter queue", suite.deadLetter},
		{"a missing dead-letter queue is an error that says so", suite.noDeadLetters},
		{"the depth counts messages in every state", suite.depth},
		{"the check of a queue returns no error", suite.present},
		{"the error for a missing queue says what to do", suite.missing},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(s, t)
		})
	}
}

// Package queuetest is the suite that every queue must pass before the pipeline
// may run on it: SQS, the emulators of it and the fake in memory. A stand-in
// that differs from SQS must say so by a named [Deviation], which the suite
// then checks for, so that it also notices when the difference has gone.
package queuetest

import (
	"context"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Queue is what api, worker and sweeper use of one.
type Queue interface {
	Send(ctx context.Context, m job.Message) error
	SendAll(ctx context.Context, ms []job.Message) error
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error
	Delete(ctx context.Context, d job.Delivery) error
	Depth(ctx context.Context) (job.Depth, error)
	Check(ctx context.Context) error
}

// A Setup is one queue, and what a test must do to it that the pipeline does not.
type Setup struct {
	Queue Queue
	// Dead opens its dead-letter queue.
	Dead func(context.Context) (Queue, error)
	// SendRaw sends any body, not to be received before delay is over.
	SendRaw func(ctx context.Context, body string, delay time.Duration) error
	// DeleteRaw deletes, and hides no answer of the service.
	DeleteRaw func(ctx context.Context, handle string) error
	// Missing asks for a queue that was never made, in each way there is to name
	// one, and answers the errors.
	Missing func(ctx context.Context) map[string]error
}

// A Backend is one implementation of the queue service.
type Backend struct {
	// Open makes an empty queue for one test and removes it after the test. Its
	// messages go to its dead-letter queue at the receive that would be one more
	// than receives; it has none where that is 0. It is called concurrently.
	Open func(t testing.TB, receives int) Setup
	// Patience is how long counts may trail what happened and how long a message
	// may take beyond its time; 0 is 10 s.
	Patience time.Duration
	// Deviations are how the backend is known to differ from SQS.
	Deviations []Deviation
}

type suite struct{ Backend }

// Run tests a backend, each behaviour on a queue of its own and all at once:
// most of the time is spent waiting for visibilities, which are whole seconds.
func Run(t *testing.T, b Backend) {
	if b.Patience == 0 {
		b.Patience = 10 * time.Second
	}
	s := suite{b}
	for _, test := range []struct {
		name string
		run  func(suite, *testing.T)
	}{
		{"a job comes as it was sent", suite.roundTrip},
		{"a foreign body comes as it was sent", suite.foreignBody},
		{"a body of 1 MiB is sent, a longer one refused", suite.bodySize},
		{"an empty poll waits and is no error", suite.emptyPoll},
		{"a poll ends soon after a send", suite.pollEnds},
		{"a poll ends with its context and loses nothing", suite.pollCanceled},
		{"a receive takes ten at most", suite.batches},
		{"a message comes with its request", suite.request},
		{"messages of one group are in flight at once", suite.groupAtOnce},
		{"a group with many messages does not delay another", suite.fair},
		{"nothing is sent by sending none", suite.sendNone},
		{"a message in flight is hidden and comes again", suite.visibility},
		{"an extended message stays hidden longer", suite.extended},
		{"a shortened message comes sooner", suite.shortened},
		{"a message handed back comes at once", suite.handedBack},
		{"a deleted message does not come again", suite.deleted},
		{"a delete when the visibility is over is no error", suite.deletedLate},
		{"a second delete is no error", suite.deletedTwice},
		{"a delete by a stale handle is no error", suite.deletedStale},
		{"the service takes a second delete and a stale one", suite.deletedRaw},
		{"a deleted message can't be extended", suite.extendedDeleted},
		{"a message whose time is over can't be extended", suite.extendedLate},
		{"no message is hidden for more than 12 hours", suite.extendedTooLong},
		{"a message received too often goes to the dead-letter queue", suite.deadLetter},
		{"a queue without a dead-letter queue says so", suite.noDeadLetters},
		{"the depth counts every state", suite.depth},
		{"a queue that is there passes the check", suite.present},
		{"a queue that is not there is named, with what to do", suite.missing},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(s, t)
		})
	}
}

package queuetest

import (
	"slices"
	"testing"
)

// A Deviation is a way in which a backend is known to differ from SQS, and the
// reason why the pipeline may be tested on it all the same.
type Deviation string

const (
	// SecondDeleteRefused is ReceiptHandleIsInvalid in answer to the delete of a
	// message that is gone; SQS answers success. queue.Delete takes both for
	// success.
	SecondDeleteRefused Deviation = "a second delete is refused"
	// StaleDeleteRefused is ReceiptHandleIsInvalid in answer to a delete by a
	// handle from before a redelivery; SQS answers success, and may have deleted
	// nothing. queue.Delete takes both for success.
	StaleDeleteRefused Deviation = "a delete by a stale handle is refused"
	// LateExtendAllowed lets the last receiver of a message that is visible again
	// hide it once more; SQS refuses (MessageNotInflight). The worker notices
	// a lost message later on such a backend; the store's lease is what counts.
	LateExtendAllowed Deviation = "a message whose time is over is extended"
	// LongVisibilityAllowed lets a message be hidden for longer than 12 hours. No
	// job lasts nearly as long.
	LongVisibilityAllowed Deviation = "a visibility over 12 hours is accepted"
	// Unfair ignores message groups: an owner with many jobs delays those of others. It
	// changes the order alone.
	Unfair Deviation = "messages are received in order, whatever their group"
)

// require wants what SQS does to hold, or not to hold where the backend is
// known to differ: a difference that has gone must not stay on the list.
func (s suite) require(t *testing.T, holds bool, d Deviation) {
	t.Helper()
	switch known := slices.Contains(s.Deviations, d); {
	case !holds && !known:
		t.Errorf("differs from SQS: %s", d)
	case !holds:
		t.Logf("differs from SQS, as is known: %s", d)
	case known:
		t.Errorf("does as SQS does: take %q off the backend's deviations", d)
	}
}

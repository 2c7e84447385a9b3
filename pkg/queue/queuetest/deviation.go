package queuetest

import (
	"slices"
	"testing"
)

// A Deviation is a known difference between a backend and SQS. Its comment says why the pipeline
// may be tested with it.
type Deviation string

const (
	// SecondDeleteRefused means that the delete of a deleted message fails with
	// ReceiptHandleIsInvalid; with SQS it succeeds. queue.Delete treats both as success.
	SecondDeleteRefused Deviation = "a second delete is refused"
	// StaleDeleteRefused means that a delete with a handle from before a redelivery fails with
	// ReceiptHandleIsInvalid; with SQS it succeeds, and may delete nothing. queue.Delete treats
	// both as success.
	StaleDeleteRefused Deviation = "a delete by a stale handle is refused"
	// LateExtendAllowed means that the last receiver of a message that is visible again can hide
	// it; SQS refuses this (MessageNotInflight). With such a backend the worker detects a lost
	// message later, but the store's lease decides.
	LateExtendAllowed Deviation = "a message that is visible again is extended"
	// LongVisibilityAllowed means that a message can be hidden for more than 12 hours. No job takes
	// nearly as long.
	LongVisibilityAllowed Deviation = "a visibility over 12 hours is accepted"
	// Unfair means that message groups are ignored, so an owner with many jobs delays those of
	// others. Only the order changes.
	Unfair Deviation = "messages are received in the order of sending, whatever their group"
)

// checkDeviation fails the test if the backend differs from SQS without declaring the deviation d,
// and also if it declares d and behaves like SQS. holds reports whether it behaves like SQS.
func (s suite) checkDeviation(t *testing.T, holds bool, d Deviation) {
	t.Helper()
	switch known := slices.Contains(s.Deviations, d); {
	case !holds && !known:
		t.Errorf("differs from SQS: %s", d)
	case !holds:
		t.Logf("differs from SQS, as declared: %s", d)
	case known:
		t.Errorf("behaves like SQS: remove %q from the backend's deviations", d)
	}
}

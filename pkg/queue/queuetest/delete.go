package queuetest

import (
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func (s suite) deleted(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	began := time.Now()
	d := s.receive(t, q, 2*time.Second)
	if err := q.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	expectNone(t, q, began.Add(3*time.Second))
}

// deletedLate checks that a slow worker can delete a message that is visible again and was not
// received since.
func (s suite) deletedLate(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, time.Second)
	s.waitForDepth(t, q, job.Depth{Visible: 1})
	if err := q.Delete(t.Context(), d); err != nil {
		t.Error(err)
	}
}

func (s suite) deletedTwice(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, longVisibility)
	for n := 1; n <= 2; n++ {
		if err := q.Delete(t.Context(), d); err != nil {
			t.Errorf("delete %d: %v", n, err)
		}
	}
}

// deletedByStaleHandle checks that a delete with the handle of an earlier receive is no error. SQS
// does not say whether such a delete removes the message.
func (s suite) deletedByStaleHandle(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	stale := s.receive(t, q, time.Second)
	fresh := s.receive(t, q, longVisibility)
	if err := q.Delete(t.Context(), stale); err != nil {
		t.Errorf("by the handle of the first delivery: %v", err)
	}
	if err := q.Delete(t.Context(), fresh); err != nil {
		t.Errorf("by the handle of the second: %v", err)
	}
}

func (s suite) deletedByService(t *testing.T) {
	setup := s.Open(t, 10)
	q := setup.Queue
	send(t, q)
	stale := s.receive(t, q, time.Second)
	fresh := s.receive(t, q, longVisibility)
	err := setup.DeleteRaw(t.Context(), stale.Handle)
	s.checkDeviation(t, err == nil, StaleDeleteRefused)
	if err := q.Delete(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	err = setup.DeleteRaw(t.Context(), fresh.Handle)
	s.checkDeviation(t, err == nil, SecondDeleteRefused)
}

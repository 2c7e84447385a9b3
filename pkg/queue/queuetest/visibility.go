package queuetest

import (
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// slack is how much earlier than requested a visibility may end: services count whole seconds from
// the time at which they received the request.
const slack = 300 * time.Millisecond

func (s suite) visibility(t *testing.T) {
	q := s.Open(t, 10).Queue
	m := send(t, q)
	began := time.Now()
	first := s.receive(t, q, 2*time.Second)
	second := s.receive(t, q, longVisibility)
	if hidden := time.Since(began); hidden < 2*time.Second-slack {
		t.Errorf("hidden for 2 s, delivered again after %s", hidden)
	}
	if second.Received != 2 {
		t.Errorf("received again: count %d, want 2", second.Received)
	}
	if second.Body != m.Encode() || second.ID != first.ID {
		t.Errorf("got %+v, want another delivery of %+v", second, first)
	}
	if second.Handle == first.Handle {
		t.Error("both deliveries have the same handle")
	}
}

func (s suite) extended(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, 2*time.Second)
	began := time.Now()
	if err := q.Extend(t.Context(), d, 4*time.Second); err != nil {
		t.Fatal(err)
	}
	again := s.receive(t, q, longVisibility)
	if hidden := time.Since(began); hidden < 4*time.Second-slack {
		t.Errorf("extended to 4 s, delivered again after %s", hidden)
	}
	if again.Received != 2 {
		t.Errorf("received again: count %d, want 2", again.Received)
	}
}

func (s suite) shortened(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, longVisibility)
	began := time.Now()
	if err := q.Extend(t.Context(), d, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	s.receive(t, q, longVisibility)
	if hidden := time.Since(began); hidden < 2*time.Second-slack {
		t.Errorf("shortened to 2 s, delivered again after %s", hidden)
	}
}

func (s suite) madeVisible(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	for n := 1; n <= 3; n++ {
		d := s.receive(t, q, longVisibility)
		if d.Received != n {
			t.Errorf("receive %d: count %d", n, d.Received)
		}
		makeVisible(t, q, d)
	}
}

// extendedDeleted checks that extending a deleted message is an error. It tells a worker that the
// job is finished, or that another worker has it.
func (s suite) extendedDeleted(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, longVisibility)
	if err := q.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := q.Extend(t.Context(), d, longVisibility); err == nil {
		t.Error("a deleted message was extended, want an error")
	}
}

func (s suite) extendedLate(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, time.Second)
	s.waitForDepth(t, q, job.Depth{Visible: 1})
	err := q.Extend(t.Context(), d, longVisibility)
	s.checkDeviation(t, err != nil, LateExtendAllowed)
}

func (s suite) extendedTooLong(t *testing.T) {
	q := s.Open(t, 10).Queue
	send(t, q)
	d := s.receive(t, q, longVisibility)
	err := q.Extend(t.Context(), d, 12*time.Hour+time.Second)
	s.checkDeviation(t, err != nil, LongVisibilityAllowed)
}

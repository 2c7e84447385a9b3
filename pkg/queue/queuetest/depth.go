package queuetest

import (
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func (s suite) depth(t *testing.T) {
	setup := s.Open(t, 10)
	q := setup.Queue
	s.waitForDepth(t, q, job.Depth{})
	if err := q.SendAll(t.Context(), messages(t, 3)); err != nil {
		t.Fatal(err)
	}
	if err := setup.SendRaw(t.Context(), message(t).Encode(), longVisibility); err != nil {
		t.Fatal(err)
	}
	s.waitForDepth(t, q, job.Depth{Visible: 3, Delayed: 1})
	d := s.receive(t, q, longVisibility)
	s.waitForDepth(t, q, job.Depth{Visible: 2, InFlight: 1, Delayed: 1})
	if err := q.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s.waitForDepth(t, q, job.Depth{Visible: 2, Delayed: 1})
}

// waitForDepth waits until the queue reports a depth, because its counts may be late.
func (s suite) waitForDepth(t *testing.T, q Queue, want job.Depth) {
	t.Helper()
	deadline := time.Now().Add(s.Patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		got, err := q.Depth(t.Context())
		if err == nil && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("depth after %s: got %+v, %v; want %+v", s.Patience, got, err, want)
		}
		<-again.C
	}
}

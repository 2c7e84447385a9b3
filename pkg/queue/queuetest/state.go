package queuetest

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func (s suite) deadLetter(t *testing.T) {
	setup := s.Open(t, 2)
	q := setup.Queue
	dead, err := setup.Dead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := send(t, q)
	for n := 1; n <= 2; n++ {
		handBack(t, q, s.receive(t, q, long))
	}
	quiet(t, q, time.Now()) // the receive that would be the third moves it
	if got := s.receive(t, dead, long).Body; got != m.Encode() {
		t.Errorf("got %s, want %s", got, m.Encode())
	}
	s.settles(t, q, job.Depth{})
	s.settles(t, dead, job.Depth{InFlight: 1})
}

func (s suite) noDeadLetters(t *testing.T) {
	if _, err := s.Open(t, 0).Dead(t.Context()); err == nil || !strings.Contains(err.Error(), "no dead-letter queue") {
		t.Errorf("got %v, want an error that says so", err)
	}
}

func (s suite) depth(t *testing.T) {
	setup := s.Open(t, 10)
	q := setup.Queue
	s.settles(t, q, job.Depth{})
	if err := q.SendAll(t.Context(), messages(t, 3)); err != nil {
		t.Fatal(err)
	}
	if err := setup.SendRaw(t.Context(), message(t).Encode(), long); err != nil {
		t.Fatal(err)
	}
	s.settles(t, q, job.Depth{Visible: 3, Delayed: 1})
	d := s.receive(t, q, long)
	s.settles(t, q, job.Depth{Visible: 2, InFlight: 1, Delayed: 1})
	if err := q.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s.settles(t, q, job.Depth{Visible: 2, Delayed: 1})
}

// settles waits for a depth: the counts may trail.
func (s suite) settles(t *testing.T, q Queue, want job.Depth) {
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

func (s suite) present(t *testing.T) {
	if err := s.Open(t, 10).Queue.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func (s suite) missing(t *testing.T) {
	for way, err := range s.Open(t, 10).Missing(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), "no such queue") || !strings.Contains(err.Error(), "check") {
			t.Errorf("%s: got %v, want an error that says what to do", way, err)
		}
	}
}

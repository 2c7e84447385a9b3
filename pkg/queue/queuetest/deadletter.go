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
	dead, err := setup.DeadLetterQueue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := send(t, q)
	for n := 1; n <= 2; n++ {
		makeVisible(t, q, s.receive(t, q, longVisibility))
	}
	expectNone(t, q, time.Now()) // the third receive moves it
	if got := s.receive(t, dead, longVisibility).Body; got != m.Encode() {
		t.Errorf("got %s, want %s", got, m.Encode())
	}
	s.waitForDepth(t, q, job.Depth{})
	s.waitForDepth(t, dead, job.Depth{InFlight: 1})
}

func (s suite) noDeadLetters(t *testing.T) {
	if _, err := s.Open(t, 0).DeadLetterQueue(t.Context()); err == nil || !strings.Contains(err.Error(), "no dead-letter queue") {
		t.Errorf("got %v, want an error that says so", err)
	}
}

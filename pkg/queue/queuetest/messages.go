package queuetest

import (
	"context"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// longVisibility is a visibility that does not end during a test.
const longVisibility = 10 * time.Minute

func message(t testing.TB) job.Message {
	t.Helper()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return job.Message{Job: id, Run: 1}
}

func messages(t testing.TB, n int) []job.Message {
	t.Helper()
	ms := make([]job.Message, n)
	for i := range ms {
		ms[i] = message(t)
	}
	return ms
}

// send sends one new message.
func send(t testing.TB, q Queue) job.Message {
	t.Helper()
	m := message(t)
	if err := q.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

// receive waits until one message is delivered. It polls repeatedly, because a poll may return
// nothing even if there is a message.
func (s suite) receive(t testing.TB, q Queue, visibility time.Duration) job.Delivery {
	t.Helper()
	ds := s.collect(t, q, 1, visibility)
	return ds[0]
}

// collect waits for n different messages.
func (s suite) collect(t testing.TB, q Queue, n int, visibility time.Duration) []job.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.Patience+5*time.Second)
	defer cancel()
	var got []job.Delivery
	seen := map[string]bool{}
	for len(got) < n {
		ds, err := q.Receive(ctx, n-len(got), 2*time.Second, visibility)
		if ctx.Err() != nil {
			t.Fatalf("received %d messages, want %d", len(got), n)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			if !seen[d.ID] {
				seen[d.ID] = true
				got = append(got, d)
			}
		}
	}
	return got
}

// expectNone fails if a message is received before the deadline. It makes at least one poll of a
// second.
func expectNone(t testing.TB, q Queue, until time.Time) {
	t.Helper()
	for first := true; first || time.Until(until) > 0; first = false {
		ds, err := q.Receive(t.Context(), 10, time.Second, longVisibility)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) > 0 {
			t.Fatalf("received %d messages (the first with count %d), want none", len(ds), ds[0].Received)
		}
	}
}

func makeVisible(t testing.TB, q Queue, d job.Delivery) {
	t.Helper()
	if err := q.Extend(t.Context(), d, 0); err != nil {
		t.Fatal(err)
	}
}

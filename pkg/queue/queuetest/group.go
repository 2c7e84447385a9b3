package queuetest

import (
	"testing"
)

func (s suite) requestID(t *testing.T) {
	q := s.Open(t, 10).Queue
	alone, batched := message(t), messages(t, 2)
	alone.Group, alone.Request = "0123456789abcdef0123456789abcdef", "JKJaXmPLvHcESHA="
	batched[0].Group, batched[0].Request = alone.Group, "another"
	want := map[string]string{alone.Encode(): alone.Request, batched[0].Encode(): "another", batched[1].Encode(): ""}
	if err := q.Send(t.Context(), alone); err != nil {
		t.Fatal(err)
	}
	if err := q.SendAll(t.Context(), batched); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.collect(t, q, len(want), longVisibility) {
		if got, ok := want[d.Body]; !ok || d.Request != got {
			t.Errorf("got %+v, want the request id %q", d, got)
		}
	}
}

// groupAtOnce checks that messages of one group can be in flight at the same time: in a standard
// queue, a group implies no order.
func (s suite) groupAtOnce(t *testing.T) {
	q := s.Open(t, 10).Queue
	ms := messages(t, 3)
	for i := range ms {
		ms[i].Group = "owner"
	}
	if err := q.SendAll(t.Context(), ms); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 1, 1} { // none of them deleted
		s.collect(t, q, n, longVisibility)
	}
}

// fair checks that a group with many messages in flight does not delay another group. SQS counts a
// group as noisy if it has 30 messages in flight and a tenth of all messages in flight.
func (s suite) fair(t *testing.T) {
	q := s.Open(t, 10).Queue
	many := messages(t, 60)
	for i := range many {
		many[i].Group = "many"
	}
	if err := q.SendAll(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	s.collect(t, q, 40, longVisibility)
	other := message(t)
	other.Group = "other"
	if err := q.Send(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	first := false
	for _, d := range s.collect(t, q, 10, longVisibility) {
		first = first || d.Body == other.Encode()
	}
	s.checkDeviation(t, first, Unfair)
}

package queuetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func (s suite) roundTrip(t *testing.T) {
	q := s.Open(t, 10).Queue
	m := send(t, q)
	d := s.receive(t, q, longVisibility)
	if got, err := job.DecodeMessage(d.Body); err != nil || got != m {
		t.Errorf("got %v, %v; want %v", got, err, m)
	}
	if d.Received != 1 || d.ID == "" || d.Handle == "" {
		t.Errorf("got %+v, want a first delivery with id and handle", d)
	}
}

// foreignBody checks that bodies that other programs send are delivered unchanged, so that the
// worker can refuse them.
func (s suite) foreignBody(t *testing.T) {
	setup := s.Open(t, 10)
	const body = " {\"a\":\"<&>'\\\\ é 😀 ]]>\"}\tline\nline\r\n "
	if err := setup.SendRaw(t.Context(), body, 0); err != nil {
		t.Fatal(err)
	}
	if got := s.receive(t, setup.Queue, longVisibility).Body; got != body {
		t.Errorf("got %q, want %q", got, body)
	}
}

// maxBody is SQS's limit since August 2025, in bytes.
const maxBody = 1 << 20

func (s suite) bodySize(t *testing.T) {
	setup := s.Open(t, 10)
	if err := setup.SendRaw(t.Context(), strings.Repeat("x", maxBody+1), 0); err == nil {
		t.Errorf("a body of %d bytes was accepted, want an error", maxBody+1)
	}
	if err := setup.SendRaw(t.Context(), strings.Repeat("x", maxBody), 0); err != nil {
		t.Fatalf("a body of %d bytes: %v", maxBody, err)
	}
	if got := len(s.receive(t, setup.Queue, longVisibility).Body); got != maxBody {
		t.Errorf("got %d bytes, want %d", got, maxBody)
	}
}

func (s suite) emptyPoll(t *testing.T) {
	q := s.Open(t, 10).Queue
	began := time.Now()
	ds, err := q.Receive(t.Context(), 10, 2*time.Second, longVisibility)
	took := time.Since(began)
	if err != nil || len(ds) != 0 {
		t.Errorf("got %d messages, %v; want none", len(ds), err)
	}
	if took < 1500*time.Millisecond || took > 2*time.Second+s.Patience {
		t.Errorf("a poll of 2 s ended after %s", took)
	}
	began = time.Now()
	if ds, err := q.Receive(t.Context(), 10, 0, longVisibility); err != nil || len(ds) != 0 || time.Since(began) > s.Patience {
		t.Errorf("a poll of 0 s: got %d messages, %v after %s", len(ds), err, time.Since(began))
	}
}

// pollEnds checks that a message that is sent during a poll ends the poll, so that workers that
// poll for 20 s start at once.
func (s suite) pollEnds(t *testing.T) {
	q := s.Open(t, 10).Queue
	m := message(t)
	sent := make(chan time.Time, 1)
	time.AfterFunc(500*time.Millisecond, func() {
		if err := q.Send(t.Context(), m); err != nil {
			t.Error(err)
		}
		sent <- time.Now()
	})
	ds, err := q.Receive(t.Context(), 10, 20*time.Second, longVisibility)
	late := time.Since(<-sent)
	if err != nil || len(ds) != 1 || ds[0].Body != m.Encode() {
		t.Fatalf("got %v, %v; want %v", ds, err, m)
	}
	if late > 3*time.Second {
		t.Errorf("the poll ended %s after the send", late)
	}
}

func (s suite) pollCanceled(t *testing.T) {
	q := s.Open(t, 10).Queue
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := q.Receive(ctx, 10, 20*time.Second, time.Second)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 3*time.Second {
		t.Errorf("got %v after %s, want the context's error after 300 ms", err, took)
	}
	// The service may give the message to the canceled poll. It is delivered again when the
	// visibility of that poll ends.
	m := send(t, q)
	if got := s.receive(t, q, longVisibility).Body; got != m.Encode() {
		t.Errorf("got %s, want %s", got, m.Encode())
	}
}

func (s suite) batches(t *testing.T) {
	q := s.Open(t, 10).Queue
	want := map[string]bool{}
	ms := messages(t, 25)
	for _, m := range ms {
		want[m.Encode()] = true
	}
	if err := q.SendAll(t.Context(), ms); err != nil {
		t.Fatal(err)
	}
	for _, max := range []int{3, 50} {
		ds, err := q.Receive(t.Context(), max, 2*time.Second, longVisibility)
		if err != nil || len(ds) > min(max, 10) {
			t.Fatalf("receive %d: got %d, %v", max, len(ds), err)
		}
		for _, d := range ds {
			delete(want, d.Body)
		}
	}
	for _, d := range s.collect(t, q, len(want), longVisibility) {
		delete(want, d.Body)
	}
	if len(want) != 0 {
		t.Errorf("%d messages were not received: %v", len(want), want)
	}
}

func (s suite) sendNone(t *testing.T) {
	q := s.Open(t, 10).Queue
	if err := q.SendAll(t.Context(), nil); err != nil {
		t.Error(err)
	}
	expectNone(t, q, time.Now())
}

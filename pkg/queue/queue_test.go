package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func message(t *testing.T) job.Message {
	t.Helper()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return job.Message{Job: id, Run: 1}
}

// receive waits for one delivery. The emulator, like SQS, may answer a poll
// with nothing although there is a message.
func receive(t *testing.T, q *queue.Queue, visibility time.Duration) job.Delivery {
	t.Helper()
	for range 10 {
		ds, err := q.Receive(t.Context(), 1, 2*time.Second, visibility)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) == 1 {
			return ds[0]
		}
	}
	t.Fatal("no message came")
	return job.Delivery{}
}

// empty checks that no message is visible.
func empty(t *testing.T, q *queue.Queue) {
	t.Helper()
	ds, err := q.Receive(t.Context(), 10, 0, time.Minute)
	if err != nil || len(ds) != 0 {
		t.Errorf("received %v, %v; want nothing", ds, err)
	}
}

func TestQueue(t *testing.T) {
	_, cfg := ministacktest.Start(t)
	q, err := queue.Create(t.Context(), cfg, "conformance")
	if err != nil {
		t.Fatal(err)
	}

	t.Run("it can be made again and opened by name and URL", func(t *testing.T) {
		if _, err := queue.Create(t.Context(), cfg, "conformance"); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"conformance", q.URL()} {
			if got, err := queue.Open(t.Context(), cfg, name); err != nil || got.URL() != q.URL() {
				t.Errorf("open %s: %v, %v", name, got, err)
			}
		}
		if _, err := queue.Open(t.Context(), cfg, "no-such-queue"); err == nil || !strings.Contains(err.Error(), "no-such-queue") {
			t.Errorf("a queue that is not there: %v", err)
		}
	})

	t.Run("a message is delivered, hidden, counted and deleted", func(t *testing.T) {
		m := message(t)
		if err := q.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		d := receive(t, q, time.Minute)
		if got, err := job.DecodeMessage(d.Body); err != nil || got != m || d.Received != 1 {
			t.Fatalf("got %v (received %d), %v; want %v", got, d.Received, err, m)
		}
		empty(t, q)
		if err := q.Extend(t.Context(), d, 0); err != nil {
			t.Fatal(err)
		}
		d = receive(t, q, time.Minute)
		if d.Received != 2 {
			t.Errorf("handed back and received again: count %d, want 2", d.Received)
		}
		if err := q.Delete(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if err := q.Delete(t.Context(), d); err != nil {
			t.Errorf("a second delete: %v", err)
		}
		empty(t, q)
	})

	t.Run("a long poll ends when a message comes", func(t *testing.T) {
		got := make(chan job.Delivery, 1)
		go func() {
			if ds, err := q.Receive(t.Context(), 10, queue.MaxWait, time.Minute); err == nil && len(ds) == 1 {
				got <- ds[0]
			}
			close(got)
		}()
		m := message(t)
		if err := q.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		d, ok := <-got
		if !ok || d.Body != m.Encode() {
			t.Fatalf("got %+v", d)
		}
		if err := q.Delete(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("a service that is away is an error", func(t *testing.T) {
		away, err := ministack.Config(t.Context(), "http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := queue.Open(t.Context(), away, "conformance"); err == nil {
			t.Error("no error")
		}
	})
}

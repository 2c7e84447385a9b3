package queuefake_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

func messages(t testing.TB, n int) []job.Message {
	t.Helper()
	ms := make([]job.Message, n)
	for i := range ms {
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		ms[i] = job.Message{Job: id, Run: 1}
	}
	return ms
}

func send(t testing.TB, q *queuefake.Queue) {
	t.Helper()
	if err := q.Send(t.Context(), messages(t, 1)[0]); err != nil {
		t.Fatal(err)
	}
}

// receive returns one message, which must be received within 20 s.
func receive(t testing.TB, q *queuefake.Queue, visibility time.Duration) job.Delivery {
	t.Helper()
	ds, err := q.Receive(t.Context(), 1, 20*time.Second, visibility)
	if err != nil || len(ds) != 1 {
		t.Errorf("received %v, %v; want one message", ds, err) // not Fatalf, because other goroutines call this too
		return job.Delivery{}
	}
	return ds[0]
}

func wantDepth(t testing.TB, q *queuefake.Queue, want job.Depth) {
	t.Helper()
	if got, err := q.Depth(t.Context()); err != nil || got != want {
		t.Errorf("depth: got %+v, %v; want %+v", got, err, want)
	}
}

func TestTimesAreExact(t *testing.T) {
	t.Run("a visibility ends on time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := queuefake.New(queuefake.Config{})
			send(t, q)
			began := time.Now()
			d := receive(t, q, 1500*time.Millisecond)
			if err := q.Extend(t.Context(), d, 7*time.Second); err != nil {
				t.Fatal(err)
			}
			receive(t, q, time.Minute)
			if took := time.Since(began); took != 7*time.Second {
				t.Errorf("delivered again after %s, want 7 s", took)
			}
		})
	})
	t.Run("an empty poll takes its whole wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			ds, err := queuefake.New(queuefake.Config{}).Receive(t.Context(), 1, time.Hour, time.Minute)
			if took := time.Since(began); len(ds) != 0 || err != nil || took != 20*time.Second {
				t.Errorf("got %v, %v after %s; want nothing after 20 s", ds, err, took)
			}
		})
	})
	// When the poll begins, no message is due for a minute.
	t.Run("a poll in progress sees a visibility that ends sooner", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := queuefake.New(queuefake.Config{})
			send(t, q)
			d := receive(t, q, time.Minute)
			began := time.Now()
			time.AfterFunc(time.Second, func() {
				if err := q.Extend(t.Context(), d, 2*time.Second); err != nil {
					t.Error(err)
				}
			})
			receive(t, q, time.Minute)
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("delivered after %s, want 3 s", took)
			}
		})
	})
}

func TestPolls(t *testing.T) {
	t.Run("each of many polls gets a message", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := queuefake.New(queuefake.Config{})
			began := time.Now()
			var polls sync.WaitGroup
			for range 100 {
				polls.Go(func() { receive(t, q, time.Minute) })
			}
			synctest.Wait()
			if err := q.SendAll(t.Context(), messages(t, 100)); err != nil {
				t.Fatal(err)
			}
			polls.Wait()
			if took := time.Since(began); took != 0 {
				t.Errorf("the last poll ended after %s, want 0 s", took)
			}
		})
	})
	t.Run("the message of a canceled poll goes to the next poll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := queuefake.New(queuefake.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			canceled := make(chan error)
			go func() {
				_, err := q.Receive(ctx, 1, 20*time.Second, time.Minute)
				canceled <- err
			}()
			synctest.Wait()
			var next sync.WaitGroup
			next.Go(func() { receive(t, q, time.Minute) })
			synctest.Wait()
			cancel()
			send(t, q)
			if err := <-canceled; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
			next.Wait()
		})
	})
	t.Run("all polls end when the queue breaks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := queuefake.New(queuefake.Config{})
			unavailable := errors.New("unavailable")
			var polls sync.WaitGroup
			for range 3 {
				polls.Go(func() {
					if _, err := q.Receive(t.Context(), 1, 20*time.Second, time.Minute); !errors.Is(err, unavailable) {
						t.Errorf("got %v, want %v", err, unavailable)
					}
				})
			}
			synctest.Wait()
			q.Break(unavailable)
			polls.Wait()
			q.Break(nil)
			if err := q.Check(t.Context()); err != nil {
				t.Errorf("after Break(nil): %v", err)
			}
		})
	})
}

// BenchmarkRoundTrip sends, receives, extends and deletes a message in a queue with 100,000 others.
func BenchmarkRoundTrip(b *testing.B) {
	q := queuefake.New(queuefake.Config{MaxReceives: 10})
	if err := q.SendAll(b.Context(), messages(b, 100_000)); err != nil {
		b.Fatal(err)
	}
	m := messages(b, 1)[0]
	for b.Loop() {
		if err := q.Send(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		d := receive(b, q, time.Minute)
		if err := q.Extend(b.Context(), d, time.Minute); err != nil {
			b.Fatal(err)
		}
		if err := q.Delete(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}

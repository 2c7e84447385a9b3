package queuefake_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

func faulty(f queuefake.Faults) *queuefake.Queue {
	return queuefake.New(queuefake.Config{Faults: f, Seed: 1})
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"a duplicate is a second delivery of one message": func(t *testing.T) {
			q := faulty(queuefake.Faults{Duplicate: 1})
			send(t, q)
			a, b := receive(t, q, time.Minute), receive(t, q, time.Minute)
			if a.ID != b.ID || a.Body != b.Body || a.Handle == b.Handle {
				t.Errorf("got %+v and %+v", a, b)
			}
		},
		"a delayed message is delivered later": func(t *testing.T) {
			q := faulty(queuefake.Faults{Delay: 1, DelayUpTo: 10 * time.Second})
			began := time.Now()
			send(t, q)
			wantDepth(t, q, job.Depth{Delayed: 1})
			receive(t, q, time.Minute)
			if took := time.Since(began); took == 0 || took > 10*time.Second {
				t.Errorf("delivered after %s, want up to 10 s", took)
			}
			wantDepth(t, q, job.Depth{InFlight: 1})
		},
		"a stale handle has no effect after the message is received again": func(t *testing.T) {
			q := faulty(queuefake.Faults{Stale: 1})
			send(t, q)
			stale := receive(t, q, time.Minute)
			if err := q.Extend(t.Context(), stale, time.Minute); err == nil {
				t.Error("extended by a stale handle")
			}
			fresh := receive(t, q, time.Minute)
			if err := q.Delete(t.Context(), stale); err != nil {
				t.Error(err)
			}
			wantDepth(t, q, job.Depth{Visible: 1})
			if err := q.Delete(t.Context(), fresh); err != nil {
				t.Error(err)
			}
			wantDepth(t, q, job.Depth{})
		},
		"after a lost delete the message is delivered again": func(t *testing.T) {
			q := faulty(queuefake.Faults{LostDelete: 1})
			send(t, q)
			d := receive(t, q, 5*time.Second)
			if err := q.Delete(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if again := receive(t, q, time.Minute); again.Received != 2 {
				t.Errorf("got %+v, want a second delivery", again)
			}
		},
		"a send whose response is lost takes effect": func(t *testing.T) {
			q := faulty(queuefake.Faults{Lost: map[queuefake.Call]float64{queuefake.Send: 1}})
			if err := q.Send(t.Context(), messages(t, 1)[0]); !errors.Is(err, queuefake.ErrFault) {
				t.Errorf("got %v, want ErrFault", err)
			}
			wantDepth(t, q, job.Depth{Visible: 1})
		},
		"a receive whose response is lost hides the messages": func(t *testing.T) {
			q := faulty(queuefake.Faults{Lost: map[queuefake.Call]float64{queuefake.Receive: 1}})
			send(t, q)
			if ds, err := q.Receive(t.Context(), 1, 0, time.Minute); len(ds) != 0 || !errors.Is(err, queuefake.ErrFault) {
				t.Errorf("got %v, %v; want ErrFault", ds, err)
			}
			wantDepth(t, q, job.Depth{InFlight: 1})
		},
		"a batch's error lists exactly the messages that are not in the queue": func(t *testing.T) {
			q := faulty(queuefake.Faults{Refused: map[queuefake.Call]float64{queuefake.Send: 0.3, queuefake.SendAll: 0.1}})
			ms := messages(t, 100)
			var unsent *queue.UnsentError
			if err := q.SendAll(t.Context(), ms); !errors.As(err, &unsent) {
				t.Fatalf("got %v, want an UnsentError", err)
			}
			for {
				ds, err := q.Receive(t.Context(), 10, 0, time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if len(ds) == 0 {
					break
				}
				for _, d := range ds {
					ms = slices.DeleteFunc(ms, func(m job.Message) bool { return m.Encode() == d.Body })
				}
			}
			if !slices.Equal(ms, unsent.Messages) || len(ms) == 0 {
				t.Errorf("%d messages are not in the queue, the error lists %d", len(ms), len(unsent.Messages))
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func TestRefusedCallsHaveNoEffect(t *testing.T) {
	always := map[queuefake.Call]float64{}
	for _, c := range []queuefake.Call{
		queuefake.Send, queuefake.SendAll, queuefake.Receive, queuefake.Extend,
		queuefake.Delete, queuefake.Depth, queuefake.Check,
	} {
		always[c] = 1
	}
	q := faulty(queuefake.Faults{Refused: always})
	ms := messages(t, 2)
	_, received := q.Receive(t.Context(), 1, 20*time.Second, 0)
	_, counted := q.Depth(t.Context())
	for call, err := range map[string]error{
		"Send": q.Send(t.Context(), ms[0]), "SendAll": q.SendAll(t.Context(), ms), "Receive": received,
		"Extend": q.Extend(t.Context(), job.Delivery{}, 0), "Delete": q.Delete(t.Context(), job.Delivery{}),
		"Depth": counted, "Check": q.Check(t.Context()),
	} {
		if !errors.Is(err, queuefake.ErrFault) {
			t.Errorf("%s: got %v, want ErrFault", call, err)
		}
	}
}

func TestFaultsAreRepeatable(t *testing.T) {
	trace := func(seed uint64) (refused []bool) {
		q := queuefake.New(queuefake.Config{Seed: seed, Faults: queuefake.Faults{
			Refused: map[queuefake.Call]float64{queuefake.Check: 0.5},
		}})
		for range 64 {
			refused = append(refused, q.Check(t.Context()) != nil)
		}
		return refused
	}
	if !slices.Equal(trace(1), trace(1)) {
		t.Error("different faults with the same seed")
	}
	if slices.Equal(trace(1), trace(2)) {
		t.Error("the same faults with different seeds")
	}
}

// TestNoJobIsLost: with all faults, a worker that repeats failed calls receives every job and
// empties the queue.
func TestNoJobIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		some := map[queuefake.Call]float64{
			queuefake.Send: 0.1, queuefake.Receive: 0.1, queuefake.Extend: 0.1, queuefake.Delete: 0.1,
		}
		q := faulty(queuefake.Faults{
			Duplicate: 0.1, Delay: 0.1, DelayUpTo: time.Minute, Stale: 0.1, LostDelete: 0.1, Refused: some, Lost: some,
		})
		todo := messages(t, 500)
		var done sync.Map
		var all sync.WaitGroup
		for part := range slices.Chunk(todo, 50) {
			all.Go(func() {
				for _, m := range part {
					for q.Send(t.Context(), m) != nil {
					}
				}
			})
		}
		all.Wait()
		for range 10 {
			all.Go(func() {
				for idle := 0; idle < 10; idle++ {
					ds, err := q.Receive(t.Context(), 10, 20*time.Second, 30*time.Second)
					if err != nil || len(ds) > 0 {
						idle = 0
					}
					for _, d := range ds {
						_ = q.Extend(t.Context(), d, 30*time.Second) // the job is done whether it succeeds or not
						done.Store(d.Body, true)
						for q.Delete(t.Context(), d) != nil {
						}
					}
				}
			})
		}
		all.Wait()
		for _, m := range todo {
			if _, ok := done.Load(m.Encode()); !ok {
				t.Errorf("job %s was not received", m.Job)
			}
		}
		wantDepth(t, q, job.Depth{})
	})
}

package worker_test

import (
	"context"
	"errors"
	"image"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// All jobs are given back before the deadline. Only the attempt whose run used up the time counts.
func TestHandleSQSReturnsBeforeTheDeadline(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout time.Duration
		queue   func(*fakeQueue)
		latest  time.Duration
	}{
		"no fault":         {time.Minute, func(*fakeQueue) {}, 58*time.Second + time.Second/10},
		"a short function": {3 * time.Second, func(*fakeQueue) {}, 2700*time.Millisecond + time.Second/10},
		"the queue hangs":  {time.Minute, func(q *fakeQueue) { q.extendHangs = true }, 59500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newFakeEngine()
				b := newBench(t, 0, e.paint)
				var ms []job.Message
				var bodies []string
				for range 4 {
					ms = append(ms, b.submit(photo(t, 8, 8), nil))
					bodies = append(bodies, ms[len(ms)-1].Encode())
				}
				q := newFakeQueue()
				tt.queue(q)
				began := time.Now()
				r, err := b.worker.HandleSQS(invocation(t, tt.timeout), q, batch(bodies...))
				took := time.Since(began)
				if err != nil || len(r.BatchItemFailures) != len(ms) {
					t.Errorf("%s, %v", encoded(t, r), err)
				}
				if took > tt.latest || took < tt.timeout*8/10 {
					t.Errorf("it took %s of %s, want %s at most", took, tt.timeout, tt.latest)
				}
				counted := 0
				for i, m := range ms {
					j := b.job(m)
					counted += j.Attempts
					if j.State != job.Queued {
						t.Errorf("job %d is %s", i+1, j.State)
					}
					if got := q.extensions(strconv.Itoa(i + 1)); !q.extendHangs && (len(got) != 1 || got[0] > 2*time.Second) {
						t.Errorf("message %d was hidden for %v", i+1, got)
					}
				}
				if counted != 1 {
					t.Errorf("%d attempts were counted, want only that of the job in the engine", counted)
				}
				close(e.finish)
			})
		})
	}
}

// The attempt of a picture whose run started late and needs more time than is left does not count.
func TestHandleSQSDoesNotCountALateRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
			time.Sleep(40 * time.Second)
			return red(ctx, r)
		})
		ms := []job.Message{b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)}
		q := newFakeQueue()
		r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, batch(ms[0].Encode(), ms[1].Encode()))
		if err != nil || len(r.BatchItemFailures) != 1 {
			t.Fatalf("%s, %v", encoded(t, r), err)
		}
		late := r.BatchItemFailures[0].ItemIdentifier
		n, _ := strconv.Atoi(late)
		if j := b.job(ms[n-1]); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("%s after %d attempts", j.State, j.Attempts)
		}
		if got := q.extensions(late); len(got) != 1 || got[0] != 0 {
			t.Errorf("it is delivered again after %v, want at once", got)
		}

		// After a freeze the process handles another batch: nothing of the first one holds
		// the job.
		time.Sleep(10 * time.Minute)
		r, err = b.worker.HandleSQS(invocation(t, time.Minute), q, batch(ms[n-1].Encode()))
		if got := encoded(t, r); err != nil || got != `{"batchItemFailures":[]}` || b.job(ms[n-1]).State != job.Succeeded {
			t.Errorf("the next invocation: %s, %v", got, err)
		}
		if b.job(ms[n-1]).Receipt.ColdStart {
			t.Error("the receipt of the next invocation has a cold start")
		}
	})
}

// Messages are visible again before HandleSQS returns.
func TestHandleSQSReturnsMessagesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		q := &slowQueue{newFakeQueue()}
		r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, batch("hello"))
		if err != nil || len(r.BatchItemFailures) != 1 || len(q.extensions("1")) != 1 {
			t.Errorf("%s, %v, visible again: %v", encoded(t, r), err, q.extended)
		}
	})
}

// A slowQueue takes three seconds to extend a message's visibility.
type slowQueue struct{ *fakeQueue }

func (s *slowQueue) Extend(ctx context.Context, d job.Delivery, v time.Duration) error {
	time.Sleep(3 * time.Second)
	return s.fakeQueue.Extend(ctx, d, v)
}

func TestHandleSQSReportsAStuckEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Watchdog = 20 * time.Second })
		var ms []job.Message
		for range 2 {
			ms = append(ms, b.submit(photo(t, 8, 8), nil))
		}
		q := newFakeQueue()
		began := time.Now()
		r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, batch(ms[0].Encode(), ms[1].Encode()))
		if !errors.Is(err, worker.ErrStuck) || len(r.BatchItemFailures) != 2 || time.Since(began) > 30*time.Second {
			t.Errorf("after %s: %s, %v", time.Since(began), encoded(t, r), err)
		}
		if stuck, waited := b.job(ms[0]).Attempts, b.job(ms[1]).Attempts; stuck+waited != 1 {
			t.Errorf("%d and %d attempts, want one in all", stuck, waited)
		}
		r, err = b.worker.HandleSQS(invocation(t, time.Minute), q, batch("hello"))
		if !errors.Is(err, worker.ErrStuck) || len(r.BatchItemFailures) != 1 {
			t.Errorf("the next batch: %s, %v", encoded(t, r), err)
		}
		close(e.finish)
	})
}

// A run that is abandoned by one invocation ends in the next one, and does not count as stuck. (A freeze
// between them, time that passes while nothing runs, can't be tested.)
func TestHandleSQSAfterAnAbandonedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		first, next := b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)
		q := newFakeQueue()
		r, err := b.worker.HandleSQS(invocation(t, 10*time.Second), q, batch(first.Encode()))
		if err != nil || len(r.BatchItemFailures) != 1 {
			t.Fatalf("%s, %v", encoded(t, r), err)
		}
		claims, _ := os.ReadDir(b.dir(first))
		responses := make(chan events.SQSEventResponse, 1)
		go func() {
			r, _ := b.worker.HandleSQS(invocation(t, time.Minute), q, batch(next.Encode()))
			responses <- r
		}()
		synctest.Wait()
		close(e.finish)
		if got := encoded(t, <-responses); got != `{"batchItemFailures":[]}` || b.job(next).State != job.Succeeded {
			t.Errorf("%s, the job %s", got, b.job(next).State)
		}
		if now, _ := os.ReadDir(b.dir(first)); len(now) != len(claims) || b.job(first).State != job.Queued {
			t.Errorf("the abandoned run left something: %v, was %v", now, claims)
		}
	})
}

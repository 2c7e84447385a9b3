package worker_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// poll calls Poll in a goroutine; stop ends it and returns its error.
func (b *bench) poll(q *fakeQueue, cfg worker.PollConfig) (stop func() error) {
	ctx, cancel := context.WithCancel(b.Context())
	result := make(chan error, 1)
	go func() { result <- b.worker.Poll(ctx, q, cfg) }()
	return func() error { cancel(); return <-result }
}

func TestPollPaintsAndDeletes(t *testing.T) {
	b := newBench(t, 0, red)
	q := newFakeQueue()
	stop := b.poll(q, worker.PollConfig{})
	var ms []job.Message
	for range 20 {
		m := b.submit(photo(t, 8, 8), nil)
		ms = append(ms, m)
		q.messages <- delivery(m)
	}
	for _, m := range ms {
		waitFor(t, func() bool { return q.isDeleted(string(m.Job)) })
		if j := b.job(m); j.State != job.Succeeded {
			t.Errorf("the message is deleted, but the job is %s", j.State)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollLeavesMalformedMessagesToTheDeadLetterQueue(t *testing.T) {
	b := newBench(t, 0, red)
	good := b.submit(photo(t, 8, 8), nil)
	q := newFakeQueue(job.Delivery{ID: "foreign", Body: "hello"}, delivery(good))
	stop := b.poll(q, worker.PollConfig{})
	waitFor(t, func() bool { return q.isDeleted(string(good.Job)) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	// It is visible soon, so that the redrive policy removes it within seconds.
	if got := q.extensions("foreign"); q.isDeleted("foreign") || len(got) != 1 || got[0] != time.Second {
		t.Errorf("the malformed message: visible again in %v, deleted: %v", got, q.isDeleted("foreign"))
	}
}

func TestPollReturnsMessagesOfFailedAttempts(t *testing.T) {
	b := newBench(t, 0, func(context.Context, style.Request) (*image.RGBA, error) { return nil, errors.New("no memory") })
	m := b.submit(photo(t, 8, 8), nil)
	q := newFakeQueue(delivery(m))
	stop := b.poll(q, worker.PollConfig{})
	waitFor(t, func() bool { return len(q.extensions(string(m.Job))) > 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := q.extensions(string(m.Job))[0]; got <= 0 || got > 2*time.Second || q.isDeleted(string(m.Job)) {
		t.Errorf("visible again in %s, deleted: %v", got, q.isDeleted(string(m.Job)))
	}
}

func TestPollContinuesAfterErrorsOfTheQueue(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 8, 8), nil)
	q := newFakeQueue(delivery(m))
	q.failures <- errors.New("connection refused")
	q.failures <- errors.New("connection refused")
	stop := b.poll(q, worker.PollConfig{})
	waitFor(t, func() bool { return q.isDeleted(string(m.Job)) })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollExtendsVisibility(t *testing.T) {
	finish := make(chan struct{})
	b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) { <-finish; return red(ctx, r) })
	m := b.submit(photo(t, 8, 8), nil)
	q := newFakeQueue(delivery(m))
	stop := b.poll(q, worker.PollConfig{Visibility: 300 * time.Millisecond})
	waitFor(t, func() bool { return len(q.extensions(string(m.Job))) >= 5 })
	close(finish)
	waitFor(t, func() bool { return q.isDeleted(string(m.Job)) })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAttemptEndsIfVisibilityCannotBeExtended(t *testing.T) {
	for name, fail := range map[string]func(*fakeQueue){
		"the queue refuses": func(q *fakeQueue) { q.extendFails = true },
		"the queue hangs":   func(q *fakeQueue) { q.extendHangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Hour, func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				})
				m := b.submit(photo(t, 8, 8), nil)
				q := newFakeQueue(delivery(m))
				fail(q)
				began := make(chan struct{})
				b.paint = func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
					close(began)
					<-ctx.Done()
					return nil, ctx.Err()
				}
				stop := b.poll(q, worker.PollConfig{Visibility: 30 * time.Millisecond})
				<-began
				waitFor(t, func() bool { return b.job(m).State == job.Queued })
				if err := stop(); err != nil {
					t.Error(err)
				}
				if q.isDeleted(string(m.Job)) {
					t.Error("the message was deleted")
				}
			})
		})
	}
}

func TestPrefetch(t *testing.T) {
	for _, tt := range []struct{ concurrent, prefetch, taken int }{{1, 0, 2}, {3, 0, 6}, {2, 5, 7}, {2, -1, 2}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newFakeEngine()
				b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = tt.concurrent })
				q := newFakeQueue()
				const all = 10
				for range all {
					q.messages <- delivery(b.submit(photo(t, 8, 8), nil))
				}
				stop := b.poll(q, worker.PollConfig{Prefetch: tt.prefetch})
				synctest.Wait()
				if got := all - len(q.messages); got != tt.taken {
					t.Errorf("%d messages received, want %d", got, tt.taken)
				}
				if q.maxRequested > tt.concurrent {
					t.Errorf("one call requested %d messages", q.maxRequested)
				}
				close(e.finish)
				synctest.Wait()
				if err := stop(); err != nil || len(q.messages) > 0 {
					t.Errorf("%v, %d messages left", err, len(q.messages))
				}
			})
		})
	}
}

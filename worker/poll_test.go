package worker_test

import (
	"context"
	"errors"
	"image"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// A line is a queue in memory that does what it is told: deliveries go in, and
// what the worker says of them comes out.
type line struct {
	waiting  chan job.Delivery
	failures chan error // answered instead, first

	mu       sync.Mutex
	deleted  []string
	extended map[string][]time.Duration
	noExtend bool
	hangs    bool                           // Extend does, until its context ends
	instead  func() ([]job.Delivery, error) // of Receive
}

func newLine(ds ...job.Delivery) *line {
	l := &line{waiting: make(chan job.Delivery, 100), failures: make(chan error, 10), extended: map[string][]time.Duration{}}
	for _, d := range ds {
		l.waiting <- d
	}
	return l
}

func (l *line) Receive(ctx context.Context, max int, _, _ time.Duration) ([]job.Delivery, error) {
	if l.instead != nil {
		return l.instead()
	}
	select {
	case err := <-l.failures:
		return nil, err
	default:
	}
	select {
	case d := <-l.waiting:
		return []job.Delivery{d}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *line) Extend(ctx context.Context, d job.Delivery, v time.Duration) error {
	if l.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noExtend {
		return errors.New("the queue is away")
	}
	l.extended[d.ID] = append(l.extended[d.ID], v)
	return nil
}

func (l *line) Delete(_ context.Context, d job.Delivery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = append(l.deleted, d.ID)
	return nil
}

func (l *line) isDeleted(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.deleted {
		if d == id {
			return true
		}
	}
	return false
}

func (l *line) extensions(id string) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Duration(nil), l.extended[id]...)
}

func delivery(m job.Message) job.Delivery {
	return job.Delivery{ID: string(m.Job), Body: m.Encode(), Received: 1}
}

// poll runs Poll until stop is called, which answers what Poll did.
func (b *bench) poll(q *line, cfg worker.PollConfig) (stop func() error) {
	ctx, cancel := context.WithCancel(b.Context())
	result := make(chan error, 1)
	go func() { result <- b.worker.Poll(ctx, q, cfg) }()
	return func() error { cancel(); return <-result }
}

func TestPollHandlesAndDeletes(t *testing.T) {
	b := newBench(t, 0, red)
	q := newLine()
	stop := b.poll(q, worker.PollConfig{Concurrent: 3})
	var ms []job.Message
	for range 20 {
		m := b.submit(photo(t, 8, 8), nil)
		ms = append(ms, m)
		q.waiting <- delivery(m)
	}
	for _, m := range ms {
		waitFor(t, func() bool { return q.isDeleted(string(m.Job)) })
		if j := b.job(m); j.State != job.Succeeded {
			t.Errorf("deleted, but %s", j.State)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollLeavesWhatItCantReadToTheDeadLetterQueue(t *testing.T) {
	b := newBench(t, 0, red)
	good := b.submit(photo(t, 8, 8), nil)
	q := newLine(job.Delivery{ID: "foreign", Body: "hello"}, delivery(good))
	stop := b.poll(q, worker.PollConfig{})
	waitFor(t, func() bool { return q.isDeleted(string(good.Job)) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if q.isDeleted("foreign") || len(q.extensions("foreign")) != 0 {
		t.Error("the foreign message was touched")
	}
}

func TestPollHandsBackWhatFailed(t *testing.T) {
	b := newBench(t, 0, func(context.Context, style.Request) (*image.RGBA, error) { return nil, errors.New("no memory") })
	m := b.submit(photo(t, 8, 8), nil)
	q := newLine(delivery(m))
	stop := b.poll(q, worker.PollConfig{})
	waitFor(t, func() bool { return len(q.extensions(string(m.Job))) > 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := q.extensions(string(m.Job))[0]; got <= 0 || got > 2*time.Second || q.isDeleted(string(m.Job)) {
		t.Errorf("visible again in %s, deleted %v", got, q.isDeleted(string(m.Job)))
	}
}

func TestPollOutlivesAQueueThatIsAway(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 8, 8), nil)
	q := newLine(delivery(m))
	q.failures <- errors.New("connection refused")
	q.failures <- errors.New("connection refused")
	stop := b.poll(q, worker.PollConfig{})
	waitFor(t, func() bool { return q.isDeleted(string(m.Job)) })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollFinishesWhatRunsWhenToldToStop(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		close(began)
		<-finish
		return red(ctx, r)
	})
	m := b.submit(photo(t, 8, 8), nil)
	q := newLine(delivery(m))
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- b.worker.Poll(ctx, q, worker.PollConfig{}) }()
	<-began
	cancel()
	close(finish)
	if err := <-result; err != nil {
		t.Error(err)
	}
	if j := b.job(m); j.State != job.Succeeded || !q.isDeleted(string(m.Job)) {
		t.Errorf("%s, message deleted: %v", j.State, q.isDeleted(string(m.Job)))
	}
}

func TestPollGivesBackWhatOutlastsTheGraceTime(t *testing.T) {
	began := make(chan struct{})
	b := newBench(t, time.Hour, func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	m := b.submit(photo(t, 8, 8), nil)
	q := newLine(delivery(m))
	stop := b.poll(q, worker.PollConfig{Grace: 10 * time.Millisecond})
	<-began
	if err := stop(); err == nil {
		t.Error("Poll says that all was finished")
	}
	if j := b.job(m); j.State != job.Queued || q.isDeleted(string(m.Job)) || len(q.extensions(string(m.Job))) == 0 {
		t.Errorf("%s, message deleted: %v", j.State, q.isDeleted(string(m.Job)))
	}
}

func TestPollKeepsMessagesHiddenWhileItWorks(t *testing.T) {
	finish := make(chan struct{})
	b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) { <-finish; return red(ctx, r) })
	m := b.submit(photo(t, 8, 8), nil)
	q := newLine(delivery(m))
	stop := b.poll(q, worker.PollConfig{Visibility: 30 * time.Millisecond})
	waitFor(t, func() bool { return len(q.extensions(string(m.Job))) >= 5 })
	close(finish)
	waitFor(t, func() bool { return q.isDeleted(string(m.Job)) })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollStopsWorkWhoseMessageItCantKeep(t *testing.T) {
	for name, fail := range map[string]func(*line){
		"the queue refuses": func(l *line) { l.noExtend = true },
		"the queue hangs":   func(l *line) { l.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, time.Hour, func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			m := b.submit(photo(t, 8, 8), nil)
			q := newLine(delivery(m))
			fail(q)
			began := make(chan struct{})
			b.worker.Stylizer = painter(func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
				close(began)
				<-ctx.Done()
				return nil, ctx.Err()
			})
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
	}
}

// A worker that is told to stop as messages come hands them back unstarted.
func TestPollHandsBackWhatComesWithTheOrderToStop(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 8, 8), nil)
	ctx, cancel := context.WithCancel(t.Context())
	q := newLine()
	q.instead = func() ([]job.Delivery, error) { cancel(); return []job.Delivery{delivery(m)}, nil }
	if err := b.worker.Poll(ctx, q, worker.PollConfig{}); err != nil {
		t.Fatal(err)
	}
	if got := q.extensions(string(m.Job)); len(got) != 1 || got[0] != 0 || b.job(m).Attempts != 0 {
		t.Errorf("handed back %v, attempts %d", got, b.job(m).Attempts)
	}
}

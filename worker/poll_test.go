package worker_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"testing"
	"testing/synctest"
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
	asked    int                            // the most that Receive was asked for
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

func (l *line) Receive(ctx context.Context, n int, wait, _ time.Duration) ([]job.Delivery, error) {
	if l.instead != nil {
		return l.instead()
	}
	l.mu.Lock()
	l.asked = max(l.asked, n)
	l.mu.Unlock()
	select {
	case err := <-l.failures:
		return nil, err
	default:
	}
	select {
	case d := <-l.waiting:
		return []job.Delivery{d}, nil
	case <-time.After(wait):
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *line) Extend(ctx context.Context, d job.Delivery, v time.Duration) error {
	if l.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if ctx.Err() != nil {
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
	stop := b.poll(q, worker.PollConfig{})
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
	// Visible at once, so that the redrive policy has it out of the way in seconds.
	if got := q.extensions("foreign"); q.isDeleted("foreign") || len(got) != 1 || got[0] != time.Second {
		t.Errorf("the foreign message: visible again in %v, deleted %v", got, q.isDeleted("foreign"))
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
	stop := b.poll(q, worker.PollConfig{Visibility: 300 * time.Millisecond})
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
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, time.Hour, func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				})
				m := b.submit(photo(t, 8, 8), nil)
				q := newLine(delivery(m))
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

// What is not in the engine yet when the order to stop comes goes back at once;
// what is in it is finished.
func TestPollGivesBackWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBench(t, 0, e.paint)
		q := newLine()
		var ms []job.Message
		stop := b.poll(q, worker.PollConfig{Prefetch: 3})
		for range 6 {
			ms = append(ms, b.submit(photo(t, 8, 8), nil))
			q.waiting <- delivery(ms[len(ms)-1])
			synctest.Wait()
		}
		if inside, begun := e.now(); inside != 1 || begun != 1 || len(q.waiting) != 2 {
			t.Errorf("%d in the engine, %d begun, %d left in the queue; want 1, 1 and 2", inside, begun, len(q.waiting))
		}
		time.Sleep(time.Minute) // of which those that wait keep lease and message
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		synctest.Wait()
		for i, m := range ms[:4] {
			j, got := b.job(m), q.extensions(string(m.Job))
			if waits := i > 0; waits && (j.State != job.Queued || j.Attempts != 0 || len(got) < 3 || got[len(got)-1] != 0) {
				t.Errorf("job %d: %s after %d attempts, its message extended by %v", i+1, j.State, j.Attempts, got)
			}
		}
		select {
		case err := <-stopped:
			t.Fatalf("Poll did not wait for the engine: %v", err)
		default:
		}
		close(e.finish)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if j := b.job(ms[0]); j.State != job.Succeeded || !q.isDeleted(string(ms[0].Job)) {
			t.Errorf("the one in the engine: %s", j.State)
		}
	})
}

func TestPrefetch(t *testing.T) {
	for _, tt := range []struct{ concurrent, prefetch, taken int }{{1, 0, 2}, {3, 0, 6}, {2, 5, 7}, {2, -1, 2}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEasel()
				b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = tt.concurrent })
				q := newLine()
				const all = 10
				for range all {
					q.waiting <- delivery(b.submit(photo(t, 8, 8), nil))
				}
				stop := b.poll(q, worker.PollConfig{Prefetch: tt.prefetch})
				synctest.Wait()
				if got := all - len(q.waiting); got != tt.taken {
					t.Errorf("%d taken, want %d", got, tt.taken)
				}
				if q.asked > tt.concurrent {
					t.Errorf("one call asked for %d messages", q.asked)
				}
				close(e.finish)
				synctest.Wait()
				if err := stop(); err != nil || len(q.waiting) > 0 {
					t.Errorf("%v, %d left", err, len(q.waiting))
				}
			})
		})
	}
}

// An engine that hangs ends the worker: the neighbour finishes, the rest goes
// back, and the one that hangs comes again when its lease has run out.
func TestPollEndsWhenTheEngineHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		b := newBenchWith(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
			switch r.Content.Rect.Dx() {
			case 9: // the bad one
				<-hang
			case 10: // it is at work when the watchdog finds the engine stuck
				time.Sleep(50 * time.Second)
			}
			return red(ctx, r)
		}, func(c *worker.Config) { c.Watchdog, c.Concurrent = time.Minute, 2 })
		short, bad, neighbour := b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 9, 9), nil), b.submit(photo(t, 10, 10), nil)
		q := newLine(delivery(short), delivery(bad))
		began := time.Now()
		result := make(chan error, 1)
		go func() { result <- b.worker.Poll(t.Context(), q, worker.PollConfig{}) }()
		time.Sleep(30 * time.Second)
		q.waiting <- delivery(neighbour)
		synctest.Wait()
		waits := b.submit(photo(t, 8, 8), nil)
		q.waiting <- delivery(waits)
		if err := <-result; !errors.Is(err, worker.ErrStuck) {
			t.Errorf("got %v, want ErrStuck", err)
		}
		if took := time.Since(began); took > 85*time.Second {
			t.Errorf("it took %s, with a watchdog of a minute and a neighbour that needs 20 s more", took)
		}
		if j := b.job(bad); j.State != job.Running || j.Attempts != 1 {
			t.Errorf("the one that hangs: %s after %d attempts", j.State, j.Attempts)
		}
		if got := q.extensions(string(bad.Job)); got[len(got)-1] < b.store.Lease() {
			t.Errorf("it comes again after %v, before its lease has run out", got)
		}
		for _, m := range []job.Message{short, neighbour} {
			if b.job(m).State != job.Succeeded || !q.isDeleted(string(m.Job)) {
				t.Errorf("its neighbour: %s", b.job(m).State)
			}
		}
		if j, got := b.job(waits), q.extensions(string(waits.Job)); j.State != job.Queued || j.Attempts != 0 || got[len(got)-1] != 0 {
			t.Errorf("the one that waited: %s after %d attempts, its message extended by %v", j.State, j.Attempts, got)
		}
		if err := b.worker.Poll(t.Context(), q, worker.PollConfig{}); !errors.Is(err, worker.ErrStuck) {
			t.Errorf("a stuck worker polls again: %v", err)
		}
		close(hang)
	})
}

// A run that was abandoned and still goes on when Poll has to end is a process
// that must not wait for its engine.
func TestPollSaysThatTheEngineIsStillBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		q := newLine(delivery(m))
		stop := b.poll(q, worker.PollConfig{Grace: time.Second})
		synctest.Wait()
		began := time.Now()
		if err := stop(); !errors.Is(err, worker.ErrStuck) {
			t.Errorf("got %v, want ErrStuck", err)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		if j, got := b.job(m), q.extensions(string(m.Job)); j.State != job.Queued || j.Attempts != 0 || len(got) != 1 || got[0] != 0 {
			t.Errorf("%s after %d attempts, its message extended by %v", j.State, j.Attempts, got)
		}
		close(e.finish)
	})
}

package worker_test

import (
	"context"
	"errors"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

func TestPollFinishesRunningJobsWhenStopped(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		close(began)
		<-finish
		return red(ctx, r)
	})
	m := b.submit(photo(t, 8, 8), nil)
	q := newFakeQueue(delivery(m))
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

func TestPollGivesBackJobsAfterTheGraceTime(t *testing.T) {
	began := make(chan struct{})
	b := newBench(t, time.Hour, func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	m := b.submit(photo(t, 8, 8), nil)
	q := newFakeQueue(delivery(m))
	stop := b.poll(q, worker.PollConfig{Grace: 10 * time.Millisecond})
	<-began
	if err := stop(); err == nil {
		t.Error("no error, although a job was not finished")
	}
	if j := b.job(m); j.State != job.Queued || q.isDeleted(string(m.Job)) || len(q.extensions(string(m.Job))) == 0 {
		t.Errorf("%s, message deleted: %v", j.State, q.isDeleted(string(m.Job)))
	}
}

// Messages that are received while the worker is stopped are returned without an attempt.
func TestPollReturnsMessagesReceivedWhileStopping(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 8, 8), nil)
	ctx, cancel := context.WithCancel(t.Context())
	q := newFakeQueue()
	q.receive = func() ([]job.Delivery, error) { cancel(); return []job.Delivery{delivery(m)}, nil }
	if err := b.worker.Poll(ctx, q, worker.PollConfig{}); err != nil {
		t.Fatal(err)
	}
	if got := q.extensions(string(m.Job)); len(got) != 1 || got[0] != 0 || b.job(m).Attempts != 0 {
		t.Errorf("visible again after %v, %d attempts; want at once and 0", got, b.job(m).Attempts)
	}
}

// When Poll is stopped, jobs that are not in the engine yet are given back at once; those in it are
// finished.
func TestPollGivesBackWaitingJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		q := newFakeQueue()
		var ms []job.Message
		stop := b.poll(q, worker.PollConfig{Prefetch: 3})
		for range 6 {
			ms = append(ms, b.submit(photo(t, 8, 8), nil))
			q.messages <- delivery(ms[len(ms)-1])
			synctest.Wait()
		}
		if running, started := e.counts(); running != 1 || started != 1 || len(q.messages) != 2 {
			t.Errorf("%d in the engine, %d started, %d left in the queue; want 1, 1 and 2", running, started, len(q.messages))
		}
		time.Sleep(time.Minute) // those that wait keep lease and message
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
			t.Errorf("the job in the engine is %s", j.State)
		}
	})
}

// A stuck engine ends Poll: other jobs in the engine are finished, the rest is given back, and the
// stuck one is delivered again when its lease has expired.
func TestPollEndsWhenTheEngineIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		b := newBenchWith(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
			switch r.Content.Rect.Dx() {
			case 9: // the stuck one
				<-hang
			case 10: // it is running when the watchdog detects the stuck one
				time.Sleep(50 * time.Second)
			}
			return red(ctx, r)
		}, func(c *worker.Config) { c.Watchdog, c.Concurrent = time.Minute, 2 })
		short, stuck, other := b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 9, 9), nil), b.submit(photo(t, 10, 10), nil)
		q := newFakeQueue(delivery(short), delivery(stuck))
		began := time.Now()
		result := make(chan error, 1)
		go func() { result <- b.worker.Poll(t.Context(), q, worker.PollConfig{}) }()
		time.Sleep(30 * time.Second)
		q.messages <- delivery(other)
		synctest.Wait()
		waits := b.submit(photo(t, 8, 8), nil)
		q.messages <- delivery(waits)
		if err := <-result; !errors.Is(err, worker.ErrStuck) {
			t.Errorf("got %v, want ErrStuck", err)
		}
		if took := time.Since(began); took > 85*time.Second {
			t.Errorf("it took %s, with a watchdog of a minute and another run that takes 20 s more", took)
		}
		if j := b.job(stuck); j.State != job.Running || j.Attempts != 1 {
			t.Errorf("the stuck job: %s after %d attempts", j.State, j.Attempts)
		}
		if got := q.extensions(string(stuck.Job)); got[len(got)-1] < b.store.Lease() {
			t.Errorf("it is delivered again after %v, before its lease has expired", got)
		}
		for _, m := range []job.Message{short, other} {
			if b.job(m).State != job.Succeeded || !q.isDeleted(string(m.Job)) {
				t.Errorf("another job is %s", b.job(m).State)
			}
		}
		if j, got := b.job(waits), q.extensions(string(waits.Job)); j.State != job.Queued || j.Attempts != 0 || got[len(got)-1] != 0 {
			t.Errorf("the job that waited: %s after %d attempts, its message extended by %v", j.State, j.Attempts, got)
		}
		if err := b.worker.Poll(t.Context(), q, worker.PollConfig{}); !errors.Is(err, worker.ErrStuck) {
			t.Errorf("got %v of the next Poll, want ErrStuck", err)
		}
		close(hang)
	})
}

// If an abandoned run is still in the engine at the end of Poll, the process must not wait for it.
func TestPollReportsAnAbandonedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		q := newFakeQueue(delivery(m))
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

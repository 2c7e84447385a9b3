package worker_test

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// away moves a directory out of sight and answers how to bring it back.
func away(t *testing.T, dir string) (back func()) {
	t.Helper()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Error(err)
		}
	}
}

// What is wrong with a job's files ends the job, sooner or later, and not the
// worker.
func TestAJobWhoseFilesAreBroken(t *testing.T) {
	t.Run("a picture is missing", func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		if err := os.Remove(filepath.Join(b.dir(m), "input")); err != nil {
			t.Fatal(err)
		}
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if j := b.job(m); j.State != job.Failed || j.Error.Code != job.CodeInternal {
			t.Errorf("%s: %v", j.State, j.Error)
		}
	})
	t.Run("it is the whole store", func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		input := filepath.Join(b.dir(m), "input")
		if err := errors.Join(os.Remove(input), os.Mkdir(input, 0o700)); err != nil {
			t.Fatal(err)
		}
		back := away(t, filepath.Join(b.store.Dir(), "tmp"))
		defer back()
		if err := b.worker.Handle(t.Context(), m); !errors.Is(err, job.ErrStoreAway) || b.job(m).Attempts != 0 {
			t.Errorf("%v, %d attempts; want ErrStoreAway and none", err, b.job(m).Attempts)
		}
	})
	t.Run("a picture can't be read", func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		input := filepath.Join(b.dir(m), "input")
		if err := errors.Join(os.Remove(input), os.Mkdir(input, 0o700)); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= store.DefaultMaxAttempts; n++ {
			if err := b.worker.Handle(t.Context(), m); err == nil || errors.Is(err, job.ErrStoreAway) {
				t.Fatalf("attempt %d: %v", n, err)
			}
		}
		if err := b.worker.Handle(t.Context(), m); err != nil || b.job(m).State != job.Failed {
			t.Errorf("it goes on for ever: %v, %s", err, b.job(m).State)
		}
	})
}

// While the store is away nothing is received, because every receipt brings a
// message closer to the dead-letter queue.
func TestPollWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		q := newLine()
		var ms []job.Message
		for range 8 {
			ms = append(ms, b.submit(photo(t, 8, 8), nil))
		}
		back := away(t, b.store.Dir())
		for _, m := range ms {
			q.waiting <- delivery(m)
		}
		stop := b.poll(q, worker.PollConfig{})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if taken := len(ms) - len(q.waiting); taken > 3 {
			t.Errorf("%d messages were received without a store", taken)
		}
		if got := q.extensions(string(ms[0].Job)); len(got) != 1 || got[0] < 30*time.Second {
			t.Errorf("handed back for %v, want half a minute", got)
		}
		back()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if last := ms[len(ms)-1]; b.job(last).State != job.Succeeded || !q.isDeleted(string(last.Job)) {
			t.Errorf("the store is back and the job %s", b.job(last).State)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A check of the store that hangs keeps neither the pause from lasting nor the
// worker from ending.
func TestPollWithAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		back := away(t, b.store.Dir())
		answer := b.worker.HangStore()
		q := newLine(delivery(m))
		stop := b.poll(q, worker.PollConfig{})
		time.Sleep(time.Minute)
		q.waiting <- delivery(m)
		time.Sleep(time.Minute)
		if len(q.waiting) != 1 {
			t.Error("a message was received while the store did not answer")
		}
		back()
		answer()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if b.job(m).State != job.Succeeded {
			t.Errorf("the store answers again and the job is %s", b.job(m).State)
		}

		back = away(t, b.store.Dir())
		answer = b.worker.HangStore()
		q.waiting <- delivery(m)
		time.Sleep(20 * time.Second)
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) > time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		answer()
		back()
	})
}

// The store goes away under a job: the attempt does not count, and its message
// stays.
func TestPollLosesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			picture []byte
		}{
			"it would succeed": {photo(t, 8, 8)},
			"it would fail":    {photo(t, 8, 8)[:60]},
		} {
			var b *bench
			var back func()
			gone := func() { back = away(t, b.store.Dir()) }
			b = newBenchWith(t, 0, red, func(c *worker.Config) {
				if name == "it would fail" {
					c.Log = slog.New(atWarning(gone))
				}
			})
			m := b.submit(tt.picture, nil)
			q := newLine(delivery(m))
			if name == "it would succeed" {
				b.paint = func(ctx context.Context, r style.Request) (*image.RGBA, error) { gone(); return red(ctx, r) }
			}
			stop := b.poll(q, worker.PollConfig{})
			synctest.Wait()
			if got := q.extensions(string(m.Job)); q.isDeleted(string(m.Job)) || len(got) != 1 || got[0] < 30*time.Second {
				t.Errorf("%s: its message was extended by %v, deleted %v", name, got, q.isDeleted(string(m.Job)))
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			back()
		}
	})
}

// atWarning is a log that calls a function at its first warning.
func atWarning(f func()) slog.Handler { return &warned{slog.DiscardHandler, sync.OnceFunc(f)} }

type warned struct {
	slog.Handler
	f func()
}

func (w *warned) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w *warned) Handle(context.Context, slog.Record) error    { w.f(); return nil }
func (w *warned) WithAttrs([]slog.Attr) slog.Handler           { return w }

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

// moveAway renames a directory, as if its file system were unavailable, until restore is called.
func moveAway(t *testing.T, dir string) (restore func()) {
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

// Errors of a job's files fail the job, at once or after all attempts, and don't stop the worker.
func TestJobWithBrokenFiles(t *testing.T) {
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
		restore := moveAway(t, filepath.Join(b.store.Dir(), "tmp"))
		defer restore()
		if err := b.worker.Handle(t.Context(), m); !errors.Is(err, job.ErrStoreUnavailable) || b.job(m).Attempts != 0 {
			t.Errorf("%v, %d attempts; want ErrStoreUnavailable and none", err, b.job(m).Attempts)
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
			if err := b.worker.Handle(t.Context(), m); err == nil || errors.Is(err, job.ErrStoreUnavailable) {
				t.Fatalf("attempt %d: %v", n, err)
			}
		}
		if err := b.worker.Handle(t.Context(), m); err != nil || b.job(m).State != job.Failed {
			t.Errorf("after all attempts: %v, %s", err, b.job(m).State)
		}
	})
}

// While the store is unavailable nothing is received, because every receipt brings a message closer to
// the dead-letter queue.
func TestPollWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		q := newFakeQueue()
		var ms []job.Message
		for range 8 {
			ms = append(ms, b.submit(photo(t, 8, 8), nil))
		}
		restore := moveAway(t, b.store.Dir())
		for _, m := range ms {
			q.messages <- delivery(m)
		}
		stop := b.poll(q, worker.PollConfig{})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if taken := len(ms) - len(q.messages); taken > 3 {
			t.Errorf("%d messages were received without a store", taken)
		}
		if got := q.extensions(string(ms[0].Job)); len(got) != 1 || got[0] < 30*time.Second {
			t.Errorf("visible again after %v, want half a minute", got)
		}
		restore()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if last := ms[len(ms)-1]; b.job(last).State != job.Succeeded || !q.isDeleted(string(last.Job)) {
			t.Errorf("the store is available again, but the job is %s", b.job(last).State)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// While a probe of the store hangs, nothing is received, and the worker can be stopped.
func TestPollWithAHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		restore := moveAway(t, b.store.Dir())
		respond := b.worker.HangStore()
		q := newFakeQueue(delivery(m))
		stop := b.poll(q, worker.PollConfig{})
		time.Sleep(time.Minute)
		q.messages <- delivery(m)
		time.Sleep(time.Minute)
		if len(q.messages) != 1 {
			t.Error("a message was received while the store did not respond")
		}
		restore()
		respond()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if b.job(m).State != job.Succeeded {
			t.Errorf("the store responds again, but the job is %s", b.job(m).State)
		}

		restore = moveAway(t, b.store.Dir())
		respond = b.worker.HangStore()
		q.messages <- delivery(m)
		time.Sleep(20 * time.Second)
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) > time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		respond()
		restore()
	})
}

// If the store becomes unavailable during an attempt, the attempt does not count, and its message is
// kept.
func TestStoreBecomesUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			picture []byte
		}{
			"it would succeed": {photo(t, 8, 8)},
			"it would fail":    {photo(t, 8, 8)[:60]},
		} {
			var b *bench
			var restore func()
			gone := func() { restore = moveAway(t, b.store.Dir()) }
			b = newBenchWith(t, 0, red, func(c *worker.Config) {
				if name == "it would fail" {
					c.Log = slog.New(atWarning(gone))
				}
			})
			m := b.submit(tt.picture, nil)
			q := newFakeQueue(delivery(m))
			if name == "it would succeed" {
				b.paint = func(ctx context.Context, r style.Request) (*image.RGBA, error) { gone(); return red(ctx, r) }
			}
			stop := b.poll(q, worker.PollConfig{})
			synctest.Wait()
			if got := q.extensions(string(m.Job)); q.isDeleted(string(m.Job)) || len(got) != 1 || got[0] < 30*time.Second {
				t.Errorf("%s: its message was extended by %v, deleted: %v", name, got, q.isDeleted(string(m.Job)))
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			restore()
		}
	})
}

// atWarning returns a log handler that calls f at the first warning.
func atWarning(f func()) slog.Handler { return &warningHook{slog.DiscardHandler, sync.OnceFunc(f)} }

type warningHook struct {
	slog.Handler
	f func()
}

func (w *warningHook) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w *warningHook) Handle(context.Context, slog.Record) error    { w.f(); return nil }
func (w *warningHook) WithAttrs([]slog.Attr) slog.Handler           { return w }

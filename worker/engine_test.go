package worker_test

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// Handle returns at once when its context ends, and the run, which can't be interrupted, keeps its slot
// in the engine until its end.
func TestInterruptedAttemptAbandonsItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		ctx, cancel := context.WithCancel(t.Context())
		result := b.handle(ctx, m)
		synctest.Wait()
		cancel()
		synctest.Wait()
		select {
		case err := <-result:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		default:
			t.Fatal("Handle waits for the engine")
		}
		next := b.submit(photo(t, 8, 8), nil)
		result = b.handle(t.Context(), next)
		synctest.Wait()
		if running, started := e.counts(); running != 1 || started != 1 {
			t.Errorf("%d in the engine, %d started: the abandoned run has lost its slot", running, started)
		}
		close(e.finish)
		if err := <-result; err != nil {
			t.Error(err)
		}
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("the abandoned job: %s after %d attempts", j.State, j.Attempts)
		}
		if outs, _ := filepath.Glob(filepath.Join(b.dir(m), "out.*")); len(outs) != 0 {
			t.Errorf("an abandoned run left %v", outs)
		}
		if b.job(next).State != job.Succeeded {
			t.Error("the next job was not painted")
		}
	})
}

func TestPanicOfAnAbandonedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		b := newBench(t, 0, func(context.Context, style.Request) (*image.RGBA, error) { <-finish; panic("boom") })
		m := b.submit(photo(t, 8, 8), nil)
		ctx, cancel := context.WithCancel(t.Context())
		result := b.handle(ctx, m)
		synctest.Wait()
		cancel()
		if err := <-result; err == nil {
			t.Error("no error")
		}
		close(finish)
		synctest.Wait()
		b.paint = red
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Error(err)
		}
	})
}

func TestLostLeaseAbandonsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		result := b.handle(t.Context(), m)
		synctest.Wait()
		if err := os.WriteFile(filepath.Join(b.dir(m), "claim.2"), []byte(`{"run":1,"attempt":2,"worker":"other","token":"x"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := <-result; !errors.Is(err, job.ErrLeaseLost) {
			t.Errorf("got %v, want ErrLeaseLost", err)
		}
		close(e.finish)
	})
}

// If the store can't be written, the attempt ends before its lease expires.
func TestLeaseThatCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, time.Minute, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		began := time.Now()
		result := b.handle(t.Context(), m)
		synctest.Wait()
		moveAway(t, b.dir(m))
		if err := os.WriteFile(b.dir(m), nil, 0o600); err != nil { // so that the job is not missing
			t.Fatal(err)
		}
		err := <-result
		if took := time.Since(began); !errors.Is(err, job.ErrStoreUnavailable) || took >= time.Minute || took < 40*time.Second {
			t.Errorf("after %s: %v; want ErrStoreUnavailable within the lease of a minute, after more than one try", took, err)
		}
		close(e.finish)
	})
}

// An attempt that hangs outside of the engine, for example in the decoder, does not keep its lease for
// ever, and the process must end.
func TestAttemptStuckOutsideTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(hangingDecoder)
		b := newBenchWith(t, 0, red, func(c *worker.Config) { c.Watchdog, c.Decoder = time.Minute, hang })
		m := b.submit(photo(t, 8, 8), nil)
		result := b.handle(t.Context(), m)
		time.Sleep(6 * time.Minute)
		renewed := func() time.Time {
			claim, err := os.Stat(filepath.Join(b.dir(m), "claim.1"))
			if err != nil {
				t.Fatal(err)
			}
			return claim.ModTime()
		}
		before := renewed()
		time.Sleep(10 * b.store.Lease())
		if !renewed().Equal(before) {
			t.Error("the lease is still renewed")
		}
		if err := b.worker.Poll(t.Context(), newFakeQueue(), worker.PollConfig{}); !errors.Is(err, worker.ErrStuck) {
			t.Errorf("got %v of Poll, want ErrStuck", err)
		}
		close(hang)
		if err := <-result; !errors.Is(err, worker.ErrStuck) {
			t.Errorf("got %v, want ErrStuck", err)
		}
	})
}

// A hangingDecoder hangs until it is closed, even after its context has ended.
type hangingDecoder chan struct{}

func (h hangingDecoder) Decode(context.Context, decoder.Request) (decoder.Pictures, error) {
	<-h
	return decoder.Pictures{}, errors.New("it hung")
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Watchdog, c.Concurrent = time.Minute, 2 })
		m := b.submit(photo(t, 8, 8), nil)
		began := time.Now()
		err := b.worker.Handle(t.Context(), m)
		if took := time.Since(began); !errors.Is(err, worker.ErrStuck) || took < time.Minute || took > 2*time.Minute {
			t.Fatalf("after %s: %v; want ErrStuck", took, err)
		}
		// As after a crash by this job: the attempt counts, although the process may have
		// others, and the next one runs alone.
		if j := b.job(m); j.State != job.Running || j.Attempts != 1 {
			t.Errorf("%s after %d attempts, want running in its first", j.State, j.Attempts)
		}
		claimed, err := os.Stat(filepath.Join(b.dir(m), "claim.1"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * b.store.Lease())
		if now, err := os.Stat(filepath.Join(b.dir(m), "claim.1")); err != nil || !now.ModTime().Equal(claimed.ModTime()) {
			t.Errorf("the lease is still renewed (%v)", err)
		}
		next := b.submit(photo(t, 8, 8), nil)
		if err := b.worker.Handle(t.Context(), next); err == nil || b.job(next).Attempts != 0 {
			t.Errorf("a stuck worker claimed a job: %v", err)
		}
		close(e.finish)
		synctest.Wait()

		lease, err := b.store.Claim(t.Context(), m.Job, m.Run, "other")
		if err != nil || !lease.Crashed || lease.Attempt != 2 {
			t.Errorf("the next attempt: %+v, %v", lease, err)
		}
	})
}

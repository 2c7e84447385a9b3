package worker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/atelier-go/atelier/pkg/engines"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/worker"
)

// newLimitedBench returns a bench whose worker paints four pictures at the same time, and has memory for
// n of 32x32.
func newLimitedBench(t *testing.T, n int64, e *fakeEngine) (b *bench, submit func(side int) job.Message) {
	t.Helper()
	f := engines.Footprint{Loaded: 100 << 20, Run: 1000, Pixel: 100}
	b = newBenchWith(t, 0, e.paint, func(c *worker.Config) {
		c.Concurrent, c.Footprint = 4, f
		c.Memory = f.Idle(4) + n*f.Picture(32, 32, imageio.JobMemory(photo(t, 32, 32), nil, 32, 32))
	})
	return b, func(side int) job.Message {
		return b.submit(photo(t, side, side), func(s *job.Spec) { s.Input.Width, s.Input.Height, s.Size = side, side, 0 })
	}
}

// No more pictures are in work than there is memory for, even if the engine has more slots.
func TestMemoryLimitsConcurrentPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b, submit := newLimitedBench(t, 2, e)
		var results []<-chan error
		for range 5 {
			results = append(results, b.handle(t.Context(), submit(32)))
		}
		synctest.Wait()
		if running, _ := e.counts(); running != 2 {
			t.Errorf("%d pictures at the same time, want 2", running)
		}
		close(e.finish)
		for _, r := range results {
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPictureLargerThanTheMemoryFails(t *testing.T) {
	e := newFakeEngine()
	close(e.finish)
	b, submit := newLimitedBench(t, 1, e)
	m := submit(3000)
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	j := b.job(m)
	if j.State != job.Failed || j.Error.Code != job.CodeTooLarge || !strings.Contains(j.Error.Message, "smaller size") {
		t.Errorf("got %s, %+v", j.State, j.Error)
	}
	// The next one does not wait.
	if m = submit(32); b.worker.Handle(t.Context(), m) != nil || b.job(m).State != job.Succeeded {
		t.Errorf("the next one: %+v", b.job(m))
	}
}

// An attempt that waits for memory can be interrupted, and an abandoned run keeps its memory until its
// end.
func TestWaitForMemoryIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b, submit := newLimitedBench(t, 1, e)
		first, abandon := context.WithCancel(t.Context())
		running := b.handle(first, submit(32))
		synctest.Wait()
		second, interrupt := context.WithCancel(t.Context())
		m := submit(32)
		waiting := b.handle(second, m)
		synctest.Wait()
		interrupt()
		if err := <-waiting; err == nil {
			t.Error("no error of the attempt that waited")
		}
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("the job that waited: %s after %d attempts", j.State, j.Attempts)
		}
		abandon()
		<-running
		last := b.handle(t.Context(), submit(32))
		synctest.Wait()
		if running, started := e.counts(); running != 1 || started != 1 {
			t.Errorf("%d in the engine, %d started: the abandoned run has lost its memory", running, started)
		}
		close(e.finish)
		if err := <-last; err != nil {
			t.Error(err)
		}
	})
}

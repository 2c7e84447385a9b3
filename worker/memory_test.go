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

// within is a worker of four pictures at once, with memory for n of 32x32.
func within(t *testing.T, n int64, e *easel) (b *bench, submit func(side int) job.Message) {
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

// However many places the engine has, no more pictures are in work than there is
// memory for.
func TestMemoryBoundsPicturesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b, submit := within(t, 2, e)
		var results []<-chan error
		for range 5 {
			results = append(results, b.handle(t.Context(), submit(32)))
		}
		synctest.Wait()
		if inside, _ := e.now(); inside != 2 {
			t.Errorf("%d pictures at once, want 2", inside)
		}
		close(e.finish)
		for _, r := range results {
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPictureThatMemoryCannotHoldFails(t *testing.T) {
	e := newEasel()
	close(e.finish)
	b, submit := within(t, 1, e)
	m := submit(3000)
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	j := b.job(m)
	if j.State != job.Failed || j.Error.Code != job.CodeTooLarge || !strings.Contains(j.Error.Message, "smaller size") {
		t.Errorf("got %s, %+v", j.State, j.Error)
	}
	// The next one is not kept waiting.
	if m = submit(32); b.worker.Handle(t.Context(), m) != nil || b.job(m).State != job.Succeeded {
		t.Errorf("the next one: %+v", b.job(m))
	}
}

// Whoever waits for memory goes when told to, and a run that was abandoned keeps
// its memory until its end.
func TestWaitForMemoryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b, submit := within(t, 1, e)
		first, abandon := context.WithCancel(t.Context())
		running := b.handle(first, submit(32))
		synctest.Wait()
		second, giveUp := context.WithCancel(t.Context())
		m := submit(32)
		waiting := b.handle(second, m)
		synctest.Wait()
		giveUp()
		if err := <-waiting; err == nil {
			t.Error("no error of the one that waited")
		}
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("the one that waited: %s after %d attempts", j.State, j.Attempts)
		}
		abandon()
		<-running
		last := b.handle(t.Context(), submit(32))
		synctest.Wait()
		if inside, begun := e.now(); inside != 1 || begun != 1 {
			t.Errorf("%d in the engine, %d begun: the abandoned run has lost its memory", inside, begun)
		}
		close(e.finish)
		if err := <-last; err != nil {
			t.Error(err)
		}
	})
}

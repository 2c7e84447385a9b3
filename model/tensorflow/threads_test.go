package tensorflow

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestThreads(t *testing.T) {
	ts := newThreads(3)
	var now, most, ran atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 2 * runsPerThread { // more than one thread runs
				ts.do(func() {
					for n := now.Add(1); ; {
						if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
							break
						}
					}
					ran.Add(1)
					now.Add(-1)
				})
			}
		})
	}
	wg.Wait()
	ts.close()
	if got := ran.Load(); got != 20*runsPerThread {
		t.Errorf("got %d runs, want %d", got, 20*runsPerThread)
	}
	if got := most.Load(); got > 3 {
		t.Errorf("got %d runs at once, want at most 3", got)
	}
}

// Consecutive runs use the same thread, because each thread fills caches of its own.
func TestConsecutiveRunsShareAThread(t *testing.T) {
	ts := newThreads(8)
	for range runsPerThread - 1 {
		ts.do(func() {})
	}
	idle := ts.pool.Close()
	for _, t := range idle {
		defer close(t.work)
	}
	if len(idle) != 1 {
		t.Errorf("got %d threads, want 1", len(idle))
	}
}

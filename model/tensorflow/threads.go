package tensorflow

import (
	"runtime"

	"github.com/atelier-go/atelier/model/internal/pool"
)

// threads are the operating system's threads on which the network runs.
//
// oneDNN, which does the convolutions, keeps what it has compiled for each size of
// picture in caches of the calling thread, of up to 1,024 entries each. Go moves
// goroutines between threads as it likes, and each would fill such caches. So runs
// have threads of their own, as few as there are images at once, and a thread
// ends after some runs, which frees its caches: over mixed sizes that keeps 150 MB
// less on two cores than letting the caches fill (scripts/bench memory). To
// compile afresh costs 2 to 5 ms, once in runsPerThread.
type threads struct{ pool *pool.Pool[*thread] }

const runsPerThread = 16

// newThreads starts nothing: a thread begins when there is something to run.
func newThreads(n int) threads { return threads{pool.New[*thread](n)} }

// do runs f on one of the threads and waits for it.
func (ts threads) do(f func()) {
	t, ok := ts.pool.Acquire()
	if !ok {
		t = newThread()
	}
	t.work <- f
	<-t.done
	if t.runs++; t.runs >= runsPerThread {
		close(t.work)
		ts.pool.Discard()
		return
	}
	ts.pool.Release(t, nil)
}

// close ends the threads. It waits for what is running.
func (ts threads) close() {
	for _, t := range ts.pool.Close() {
		close(t.work)
	}
}

type thread struct {
	work chan func()
	done chan struct{}
	runs int
}

// newThread starts a thread, which ends when its work is closed: a goroutine that
// ends while it is locked to its thread takes the thread with it.
func newThread() *thread {
	t := &thread{work: make(chan func()), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		for f := range t.work {
			f()
			t.done <- struct{}{}
		}
	}()
	return t
}

package tensorflow

import (
	"runtime"

	"github.com/atelier-go/atelier/model/internal/pool"
)

// threads are the operating system threads that run the network.
//
// oneDNN, which computes the convolutions, compiles code for each size of picture. Each thread that
// calls it caches up to 1,024 such entries. Go moves goroutines between threads, so every thread
// would fill such a cache. The network therefore runs on threads of its own, as many as there are
// concurrent images. A thread ends after some runs, which frees its cache: with mixed sizes on two
// cores that saves 150 MB compared with letting the caches fill (scripts/bench memory). Compiling
// again costs 2 to 5 ms, once in runsPerThread runs.
type threads struct{ pool *pool.Pool[*thread] }

const runsPerThread = 16

// newThreads returns up to n threads. They are started when there is something to run.
func newThreads(n int) threads { return threads{pool.New[*thread](n)} }

// do runs f on one of the threads and waits until it returns.
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

// close waits for running calls and ends the threads.
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

// newThread starts a thread. It ends when its work channel is closed: if a goroutine ends that is
// locked to its thread, Go ends the thread too.
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

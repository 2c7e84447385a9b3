package worker

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// ErrStuck means that a run of the engine, which can't be interrupted, or another step of an
// attempt does not end. The caller must end the process, without waiting for the attempt, so that a
// new process replaces it.
var ErrStuck = errors.New("the worker is stuck")

// An ownRunStuck is the error of the attempt whose own run of the engine is stuck. The attempts
// that only wait for the engine have other errors.
type ownRunStuck struct{ error }

func (e ownRunStuck) Unwrap() error { return e.error }

// A stuckSignal is set when the worker is stuck, and never reset. It is safe for concurrent use.
type stuckSignal struct {
	once sync.Once
	ch   chan struct{} // closed when it is set
	err  error         // valid once ch is closed
}

func newStuckSignal() *stuckSignal { return &stuckSignal{ch: make(chan struct{})} }

// set sets the signal with an error that wraps ErrStuck. Only the first call has an effect.
func (s *stuckSignal) set(err error) {
	s.once.Do(func() { s.err = err; close(s.ch) })
}

// error returns the error with which the signal was set; nil if it was not.
func (s *stuckSignal) error() error {
	select {
	case <-s.ch:
		return s.err
	default:
		return nil
	}
}

// watch sets w.stuck and closes stuck, if a run of the engine is not done within the watchdog's
// time. It counts short ticks instead of comparing times, because a process may be frozen between
// two invocations, and is not stuck then.
func (w *Worker) watch(id job.ID, done <-chan struct{}, stuck chan<- struct{}) {
	const ticks = 20
	tick := time.NewTicker(max(w.cfg.Watchdog/ticks, 1))
	defer tick.Stop()
	for range ticks {
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
	w.stuck.set(fmt.Errorf("%w: the engine has been painting job %s for %s", ErrStuck, id, w.cfg.Watchdog))
	close(stuck)
}

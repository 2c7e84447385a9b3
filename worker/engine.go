package worker

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime/debug"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// ErrStuck says that the engine, which can't be interrupted, does not end. The
// process is good for nothing any more: the caller must end it, without waiting
// for the engine, so that a fresh one takes its place.
var ErrStuck = errors.New("the engine hangs")

// A hangError is that of the run that hangs, and not of one that waits for it.
type hangError struct{ error }

func (e hangError) Unwrap() error { return e.error }

// An engineError is what went wrong with the pixels, in the engine or the codecs,
// where the picture may be at fault.
type engineError struct{ error }

func (e engineError) Unwrap() error { return e.error }

// stylize runs the engine as soon as there is a place in it, and says how long
// the run took. When ctx ends it answers at once, but the run keeps its place
// until its end, and what it answers then is thrown away. A run that outlasts
// the watchdog is an error that wraps ErrStuck.
func (w *Worker) stylize(ctx, stop context.Context, id job.ID, r style.Request, room *share) (*image.RGBA, time.Duration, error) {
	if err := acquire(ctx, stop, w.engine); err != nil {
		return nil, 0, err
	}
	w.gate.stay()
	room.stay()
	var painted *image.RGBA
	var err error
	done, hangs := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer func() { <-w.engine; room.leave(); w.gate.leave() }()
		defer close(done)
		defer w.recovered(id, &err)
		if painted, err = w.Stylizer.Stylize(ctx, r); err != nil {
			err = engineError{fmt.Errorf("stylize: %w", err)}
		}
	}()
	go w.watch(id, done, hangs)

	select {
	case <-done:
	case <-hangs:
		return nil, 0, hangError{context.Cause(w.stuck)}
	case <-ctx.Done():
	}
	took := time.Since(began)
	if ctx.Err() != nil {
		return nil, 0, cutOff(ctx, took)
	}
	return painted, took, err
}

// watch closes hangs, and ends w.stuck, if a run is not done within the time of
// the watchdog. It counts short steps instead of looking at the clock: a process
// that was frozen between two invocations was not hanging meanwhile.
func (w *Worker) watch(id job.ID, done <-chan struct{}, hangs chan<- struct{}) {
	const steps = 20
	step := time.NewTicker(max(w.Watchdog/steps, 1))
	defer step.Stop()
	for range steps {
		select {
		case <-done:
			return
		case <-step.C:
		}
	}
	w.setStuck(fmt.Errorf("%w: job %s has been in it for %s", ErrStuck, id, w.Watchdog))
	close(hangs)
}

// idle waits until nothing is in the engine, and says whether that was before
// the time came.
func (w *Worker) idle(until <-chan time.Time) bool {
	all := true
	taken := 0
	for all && taken < cap(w.engine) {
		select {
		case w.engine <- struct{}{}:
			taken++
		case <-until:
			all = false
		}
	}
	for range taken {
		<-w.engine
	}
	return all
}

// recovered turns a panic into an error of the engine. It is deferred where the
// work on one job begins, so that one job can't take its neighbours with it.
func (w *Worker) recovered(id job.ID, err *error) {
	if p := recover(); p != nil {
		w.Log.Error("panic", "job", id, "panic", p, "stack", string(debug.Stack()))
		*err = engineError{fmt.Errorf("paint job %s: panic: %v", id, p)}
	}
}

// timeUp is the cause of a context that ends before its function's time does.
type timeUp struct{ had time.Duration }

func (timeUp) Error() string { return "the function's time is up" }
func (timeUp) Unwrap() error { return errStopping }

// cutOff is the error of a run of the engine that ctx cut off after a time. A
// picture that alone took more than half of its function's time, and was not
// done, will hardly fit another time: that counts as an attempt. One that merely
// came late in its batch doesn't.
func cutOff(ctx context.Context, ran time.Duration) error {
	cause := context.Cause(ctx)
	var up timeUp
	if errors.As(cause, &up) && ran > up.had/2 {
		return engineError{fmt.Errorf("not painted within %s: %w", ran.Round(time.Millisecond), cause)}
	}
	return cause
}

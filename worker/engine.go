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

// A pictureError is an error of the engine or a codec that the picture may have caused.
type pictureError struct{ error }

func (e pictureError) Unwrap() error { return e.error }

// stylize runs the engine as soon as it has a free slot, and returns how long the run took. When ctx
// ends it returns at once, but the run keeps its slot, its memory and its admission until its end,
// and its picture is discarded. A run that takes longer than the watchdog is an error that wraps
// ErrStuck.
func (a *attempt) stylize(ctx context.Context, r style.Request) (*image.RGBA, time.Duration, error) {
	w, id, memory := a.w, a.message.Job, a.memory
	if err := acquireSlot(ctx, a.stop, w.painting); err != nil {
		return nil, 0, err
	}
	w.admission.retain()
	memory.retain()
	var painted *image.RGBA
	var err error
	done, stuck := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer func() { <-w.painting; memory.release(); w.admission.release() }()
		defer close(done)
		defer w.recovered(id, &err)
		if painted, err = w.cfg.Stylizer.Stylize(ctx, r); err != nil {
			err = pictureError{fmt.Errorf("stylize: %w", err)}
		}
	}()
	go w.watch(id, done, stuck)

	select {
	case <-done:
	case <-stuck:
		return nil, 0, ownRunStuck{w.stuck.error()}
	case <-ctx.Done():
	}
	took := time.Since(began)
	if ctx.Err() != nil {
		return nil, 0, interruptedRun(ctx, took)
	}
	return painted, took, err
}

// waitUntilIdle waits until no run is in the engine, and reports whether this happened before the
// deadline.
func (w *Worker) waitUntilIdle(deadline <-chan time.Time) bool {
	idle, taken := true, 0
	for idle && taken < cap(w.painting) {
		select {
		case w.painting <- struct{}{}:
			taken++
		case <-deadline:
			idle = false
		}
	}
	for range taken {
		<-w.painting
	}
	return idle
}

// recovered makes a panic an error. It is deferred where the work on a job begins, so that a panic
// does not end the process and the other attempts.
func (w *Worker) recovered(id job.ID, err *error) {
	if p := recover(); p != nil {
		w.cfg.Log.Error("panic", "job", id, "panic", p, "stack", string(debug.Stack()))
		*err = pictureError{fmt.Errorf("paint job %s: panic: %v", id, p)}
	}
}

// timeUp is the cause of the context of a function's work, which ends before the function's time.
type timeUp struct{ had time.Duration }

func (timeUp) Error() string { return "the function's time is up" }
func (timeUp) Unwrap() error { return errStopping }

// interruptedRun returns the error of a run of the engine that ctx ended after a time. If the run
// took more than half of its function's time, the picture will probably not be finished in another
// function either, so the attempt counts. A run that only started late in its batch doesn't.
func interruptedRun(ctx context.Context, took time.Duration) error {
	cause := context.Cause(ctx)
	var up timeUp
	if errors.As(cause, &up) && took > up.had/2 {
		return pictureError{fmt.Errorf("not painted within %s: %w", took.Round(time.Millisecond), cause)}
	}
	return cause
}

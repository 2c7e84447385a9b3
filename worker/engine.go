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

// A pictureError is an error of the engine or of a codec. The picture may be its cause.
type pictureError struct{ error }

func (e pictureError) Unwrap() error { return e.error }

// stylize runs the engine, as soon as a slot is free, and returns the painted picture and how long
// the run took. If ctx ends it returns at once, but the run can't be interrupted: it keeps its
// slot, its memory and its admission until it has ended, and its picture is discarded. If the run
// takes longer than the watchdog allows, the error wraps ErrStuck.
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

// waitUntilIdle waits until no run is in the engine. It returns false if the deadline comes first.
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

// recovered turns a panic into an error in *err. It is deferred where the work on a job begins, so
// that a panic does not end the process, and with it the other attempts.
func (w *Worker) recovered(id job.ID, err *error) {
	if p := recover(); p != nil {
		w.cfg.Log.Error("an attempt panicked; it fails, and the process goes on", "job", id, "panic", p, "stack", string(debug.Stack()))
		*err = pictureError{fmt.Errorf("paint job %s: panic: %v", id, p)}
	}
}

// timeUp means that an attempt was ended because the function's time is nearly over. It is the
// cause of the attempt's context.
type timeUp struct{ had time.Duration }

func (timeUp) Error() string { return "the function's time is up" }
func (timeUp) Unwrap() error { return errStopping }

// interruptedRun returns the error for a run of the engine that had taken this long when ctx ended.
// If that is more than half of the function's time, the picture would probably not be finished in
// another function either, so the attempt counts. If the run began late, because other messages of
// its batch came first, it does not count.
func interruptedRun(ctx context.Context, took time.Duration) error {
	cause := context.Cause(ctx)
	var up timeUp
	if errors.As(cause, &up) && took > up.had/2 {
		return pictureError{fmt.Errorf("not painted within %s: %w", took.Round(time.Millisecond), cause)}
	}
	return cause
}

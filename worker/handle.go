package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime/debug"
	"time"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// Handle works on one delivery of a job. nil means that the message is done
// with: the run has ended, now or earlier, well or badly. After an error it must
// be delivered again, later: the job is untouched, or given back with its
// attempt counted.
//
// Called twice for the same run, at once or one after the other, in this
// process or another, it does the work once.
func (w *Worker) Handle(ctx context.Context, m job.Message) error {
	lease, err := w.Store.Claim(ctx, m.Job, m.Run, w.Name)
	if errors.Is(err, job.ErrFinished) {
		return nil // a duplicate of a delivery that was handled
	}
	if err != nil {
		return err
	}
	if lease.Attempt > w.MaxAttempts {
		lease.Attempt-- // to give up is no attempt
		return w.settle(lease, &job.Failure{Code: job.CodeGaveUp,
			Message: fmt.Sprintf("given up after %d attempts; a retry may help", w.MaxAttempts)})
	}
	ctx, stop := w.keep(ctx, lease)
	err = w.paint(ctx, lease)
	if cause := stop(); err != nil && cause != nil {
		err = cause // why the context was cancelled says more than that it was
	}
	return w.settle(lease, err)
}

// settle is the table of outcomes: what becomes of the lease and of the
// message after an attempt that ended with err.
func (w *Worker) settle(lease *store.Lease, err error) error {
	log := w.Log.With("job", lease.Spec.ID, "run", lease.Run, "attempt", lease.Attempt)
	failure := job.FailureOf(err)
	switch {
	case err == nil: // committed: the message is done with
		log.Info("succeeded", "took", time.Since(lease.Began).Round(time.Millisecond))
		return nil
	case errors.Is(err, job.ErrLeaseLost): // another decides: leave job and message to them
		log.Warn("lost the lease", "error", err)
		return err
	case failure != nil: // it would fail again: the run ends here
		log.Warn("failed", "code", failure.Code, "error", err)
		if err := lease.Fail(*failure); err != nil && !errors.Is(err, job.ErrLeaseLost) {
			return err
		}
		return nil
	default: // it may go better next time: give the job back, keep the message
		if rerr := lease.Release(blames(err)); rerr != nil {
			return errors.Join(err, rerr) // then the lease runs out by itself
		}
		return err
	}
}

// An engineError is what went wrong with the pixels, in the engine or the codecs,
// where the picture may be at fault.
type engineError struct{ error }

func (e engineError) Unwrap() error { return e.error }

// blames says whether an attempt that ended with err counts. Being told to stop
// and a store that is away say nothing about the picture.
func blames(err error) bool {
	var e engineError
	return errors.As(err, &e) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// paint is the work itself, from the stored picture to the stored result.
// Panics of the decoders and the engine end here, so that one job can't take
// its neighbours with it.
func (w *Worker) paint(ctx context.Context, lease *store.Lease) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("panic", "job", lease.Spec.ID, "panic", p, "stack", string(debug.Stack()))
			err = engineError{fmt.Errorf("paint job %s: panic: %v", lease.Spec.ID, p)}
		}
	}()
	spec := lease.Spec
	receipt := job.Receipt{
		Worker: w.Kind, Engine: w.Engine, Model: w.Model,
		QueueWaitMS: milliseconds(lease.Began.Sub(spec.CreatedAt)),
	}

	began := time.Now()
	request, err := w.load(ctx, spec)
	if err != nil {
		return err
	}
	receipt.DecodeMS, began = lap(began)

	receipt.ColdStart = !w.warm.Swap(true)
	painted, err := w.Stylizer.Stylize(ctx, request)
	if err != nil {
		return engineError{fmt.Errorf("stylize: %w", err)}
	}
	if spec.PreserveColors {
		if err := imageio.KeepColors(painted, request.Content); err != nil {
			return engineError{err}
		}
	}
	receipt.StylizeMS, began = lap(began)

	var out bytes.Buffer
	if err := imageio.Encode(&out, painted, spec.Format, spec.Quality); err != nil {
		return engineError{err}
	}
	receipt.EncodeMS, _ = lap(began)

	if err := ctx.Err(); err != nil {
		return err // the lease may be another's by now
	}
	return lease.Succeed(out.Bytes(), job.Result{
		Width: painted.Rect.Dx(), Height: painted.Rect.Dy(), ContentType: imageio.ContentType(spec.Format),
	}, receipt)
}

// load reads and decodes what a job's spec names.
func (w *Worker) load(ctx context.Context, spec job.Spec) (style.Request, error) {
	r := style.Request{Strength: spec.Strength}
	data, own, err := w.Store.Pictures(&spec)
	if err != nil {
		return r, err
	}
	photo, _, err := imageio.Decode(ctx, data, w.Limits)
	if err != nil {
		return r, err
	}
	r.Content = imageio.Fit(photo, longest(spec.Size))
	if spec.Style != job.CustomStyle {
		r.Mix, err = style.ParseMix(spec.Style)
		return r, err
	}
	r.Picture, err = w.loadStyle(ctx, own)
	return r, err
}

func (w *Worker) loadStyle(ctx context.Context, data []byte) (*image.RGBA, error) {
	picture, _, err := imageio.Decode(ctx, data, w.Limits)
	if err != nil {
		return nil, fmt.Errorf("style picture: %w", err)
	}
	return picture, nil
}

// longest is the size in pixels of a result's longest edge at most: "as it is"
// has a cap too, since the engine's memory grows with the picture.
func longest(size int) int {
	if size == 0 {
		return job.MaxSize
	}
	return size
}

func lap(began time.Time) (ms float64, now time.Time) {
	now = time.Now()
	return milliseconds(now.Sub(began)), now
}

// milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// An attempt is one worker's try at a run. Its steps are the methods of this file, in the order in
// which they are called: claim, read, paint, encode, commit. Then recordOutcome decides what
// becomes of the job, and a report is made. An attempt is not safe for concurrent use.
type attempt struct {
	w         *Worker
	message   job.Message
	stop      <-chan struct{} // closed when attempts that are not in the engine yet must end
	delivered time.Time
	log       *slog.Logger
	report    Report

	lease   *store.Lease   // after claim
	memory  *reservation   // after read
	preview *previewWriter // after read
}

// newAttempt returns an attempt at the run that m names, before its first step. received is how
// often the message was received, for the log; 0 means unknown.
func (w *Worker) newAttempt(stop <-chan struct{}, m job.Message, received int) *attempt {
	log := w.cfg.Log.With("job", m.Job, "run", m.Run)
	if m.Request != "" {
		log = log.With("request", m.Request)
	}
	if received > 0 {
		log = log.With("received", received)
	}
	return &attempt{w: w, message: m, stop: stop, delivered: time.Now(), log: log, report: Report{Message: m}}
}

// run makes the attempt. [Worker.Handle] explains the errors.
func (a *attempt) run(ctx context.Context) error {
	switch err := a.claim(ctx); {
	case errors.Is(err, job.ErrGaveUp): // this claim has ended the run
		a.report.Outcome, a.report.Code = Failed, job.CodeGaveUp
		a.log.Warn("failed: all its attempts were used up", "code", a.report.Code, "error", err)
		a.sendReport()
		return nil
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone): // the message is a duplicate
		a.log.Info("nothing to do for this message: the run has ended, or the job was erased", "because", err)
		return nil
	case err != nil:
		return a.w.diagnose(err)
	}
	defer a.w.admission.release()
	defer a.lease.Close()
	held, stopRenewal := a.renewLease(ctx)
	err := a.work(held)
	stopRenewal()
	err = a.recordOutcome(a.w.diagnose(err))
	a.report.Took = time.Since(a.lease.Began)
	a.sendReport()
	return err
}

// claim waits for admission and claims the job. If the job turns out to be a suspect, whose last
// attempt may have killed its process, it waits for admission again, so as to be alone in this
// process. While it waits it has not claimed the job: if another job killed the process meanwhile,
// this one would be suspected again.
func (a *attempt) claim(ctx context.Context) error {
	w := a.w
	for alone := false; ; alone = true {
		if err := w.admission.acquire(ctx, a.stop, alone); err != nil {
			return err
		}
		claim := w.cfg.Store.Claim
		if w.maxClaims.Load() > 1 && !alone {
			claim = w.cfg.Store.ClaimShared
		}
		lease, err := claim(ctx, a.message.Job, a.message.Run, w.cfg.Name)
		if err == nil && (alone || !lease.Crashed) {
			a.lease, a.report.Number = lease, lease.Attempt
			return nil
		}
		if err == nil {
			err = lease.Release(false)
		}
		w.admission.release()
		if err != nil {
			return err
		}
		a.log.Info("the process of the job's last attempt died, so this attempt waits until it can run alone")
	}
}

// work reads, paints, encodes and commits a claimed job. Also after an error, the report has what
// was measured until then. A panic of an encoder is returned as an error. ctx ends with the lease.
func (a *attempt) work(ctx context.Context) (err error) {
	w, r := a.w, &a.report.Receipt
	defer w.recovered(a.lease.Spec.ID, &err)
	r.Worker, r.Engine, r.Model = w.cfg.Kind, w.cfg.Engine, w.cfg.Model
	r.QueueWaitMS = milliseconds(a.lease.Began.Sub(a.lease.Spec.CreatedAt))

	request, err := a.read(ctx)
	if err != nil {
		return err
	}
	defer a.memory.release()
	defer func() { _ = a.preview.wait(ctx) }() // it uses the lease; commit returns its error
	painted, err := a.paint(ctx, request)
	if err != nil {
		return err
	}
	picture, thumb, err := a.encode(painted)
	if err != nil {
		return err
	}
	return a.commit(ctx, picture, thumb, painted.Rect.Size())
}

// read reads and decodes the job's pictures, as soon as there is memory for all steps, and begins
// to store the preview. The time of waiting is not part of the measured times. After an error no
// memory is reserved.
func (a *attempt) read(ctx context.Context) (r style.Request, err error) {
	w, spec := a.w, &a.lease.Spec
	began := time.Now()
	photo, picture, err := w.cfg.Store.Pictures(spec) // picture is nil for a named style
	if errors.Is(err, job.ErrNotFound) {
		// A job's files are created with it and never written again, so the error is permanent.
		err = fmt.Errorf("%w (%w)", &job.Failure{Code: job.CodeInternal, Message: "a picture of the job is missing"}, err)
	}
	if err != nil {
		return r, err
	}
	read := time.Since(began)
	width, height := imageio.Fitted(spec.Input.Width, spec.Input.Height, spec.Longest())
	needed := w.cfg.Footprint.Picture(width, height, imageio.JobMemory(photo, picture, width, height))
	memory, err := w.memory.reserve(ctx, a.stop, needed)
	if err != nil {
		return r, err
	}
	r, preview, decoded, err := a.decode(ctx, decoder.Request{
		Photo: photo, Longest: spec.Longest(), Style: picture, Preview: !a.lease.HasPreview(), Log: a.log,
	})
	if err != nil {
		memory.release()
		return r, err
	}
	a.memory, a.preview = memory, storePreview(a.lease, preview)
	a.report.Read, a.report.Receipt.DecodeMS = read, milliseconds(read+decoded)
	return r, nil
}

// decode returns the request for the engine, the preview if pictures asks for one, and how long
// decoding took.
func (a *attempt) decode(ctx context.Context, pictures decoder.Request) (r style.Request, preview []byte, took time.Duration, err error) {
	w, spec := a.w, &a.lease.Spec
	r.Strength = spec.Strength
	if spec.Style != job.CustomStyle {
		if r.Mix, err = style.ParseMix(spec.Style); err != nil {
			return r, nil, 0, err
		}
	}
	if err := acquireSlot(ctx, a.stop, w.decoding); err != nil {
		return r, nil, 0, err
	}
	defer func() { <-w.decoding }()
	began := time.Now()
	decoded, err := w.cfg.Decoder.Decode(ctx, pictures)
	switch {
	case ctx.Err() != nil:
		return r, nil, 0, context.Cause(ctx)
	case errors.Is(err, decoder.ErrNotStarted): // not caused by the picture
		return r, nil, 0, err
	case err != nil:
		return r, nil, 0, pictureError{err}
	}
	r.Content, r.Picture = decoded.Photo, decoded.Style
	return r, decoded.Preview, time.Since(began), nil
}

// paint runs the engine and returns the painted picture.
func (a *attempt) paint(ctx context.Context, r style.Request) (*image.RGBA, error) {
	a.report.Receipt.ColdStart = !a.w.warm.Swap(true)
	painted, took, err := a.stylize(ctx, r)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if a.lease.Spec.PreserveColors {
		if err := imageio.KeepColors(painted, r.Content); err != nil {
			return nil, pictureError{err}
		}
	}
	a.report.Receipt.StylizeMS = milliseconds(took + time.Since(began))
	return painted, nil
}

// encode returns the files of the result and of its thumbnail, which is nil if the job has none.
func (a *attempt) encode(painted *image.RGBA) (picture, thumb []byte, err error) {
	spec := &a.lease.Spec
	began := time.Now()
	var out bytes.Buffer
	if err := imageio.Encode(&out, painted, spec.Format, spec.Quality); err != nil {
		return nil, nil, pictureError{err}
	}
	if thumb, err = thumbnail(painted, spec); err != nil {
		return nil, nil, pictureError{err}
	}
	a.report.Receipt.EncodeMS = milliseconds(time.Since(began))
	return out.Bytes(), thumb, nil
}

// commit ends the run with its result, after the preview is stored.
func (a *attempt) commit(ctx context.Context, picture, thumb []byte, size image.Point) error {
	if err := a.preview.wait(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // another worker may have the lease by now
	}
	if setCost := a.w.cfg.SetCost; setCost != nil {
		setCost(&a.report.Receipt, time.Since(a.delivered))
	}
	began := time.Now()
	defer func() { a.report.Write = time.Since(began) }()
	return a.lease.Succeed(picture, thumb, job.Result{
		Width: size.X, Height: size.Y, ContentType: imageio.ContentType(a.lease.Spec.Format),
	}, a.report.Receipt)
}

func (a *attempt) sendReport() {
	if report := a.w.cfg.Report; report != nil {
		report(a.report)
	}
}

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

// Handle works on one delivery of a job. nil means that the message is done
// with: the run has ended, now or earlier, well or badly. After an error it must
// be delivered again, later: the job is untouched, or given back. When ctx ends,
// Handle returns at once although the engine can't be interrupted.
//
// Called twice for the same run, at once or one after the other, in this
// process or another, it does the work once.
func (w *Worker) Handle(ctx context.Context, m job.Message) error {
	return w.handle(ctx, w.stuck, m, 0)
}

// handle is Handle with a second context, which ends when jobs that are not in
// the engine yet are to be given back. received is how often the message was, for the
// log; 0 is unknown.
func (w *Worker) handle(ctx, stop context.Context, m job.Message, received int) error {
	log, began := w.logOf(m, received), time.Now()
	lease, leave, err := w.claim(ctx, stop, m, log)
	if errors.Is(err, job.ErrFinished) || errors.Is(err, job.ErrGone) {
		log.Info("nothing to do", "because", err)
		if errors.Is(err, job.ErrGaveUp) {
			w.ended(Attempt{Message: m, Outcome: Failed, Code: job.CodeGaveUp})
		}
		return nil // a duplicate of a delivery that was handled, or its attempts are used up
	}
	if err != nil {
		return w.diagnose(err)
	}
	defer leave()
	defer lease.Close()
	held, release := w.keep(ctx, lease)
	a := Attempt{Message: m, Number: lease.Attempt}
	a.Receipt, err = w.paint(held, stop, lease, &a, began)
	release()
	err = w.settle(log.With("attempt", lease.Attempt), lease, &a, w.diagnose(err))
	a.Took = time.Since(lease.Began)
	w.ended(a)
	return err
}

func (w *Worker) ended(a Attempt) {
	if w.Ended != nil {
		w.Ended(a)
	}
}

// logOf is the log for a delivery of a job.
func (w *Worker) logOf(m job.Message, received int) *slog.Logger {
	log := w.Log.With("job", m.Job, "run", m.Run)
	if m.Request != "" {
		log = log.With("request", m.Request)
	}
	if received > 0 {
		log = log.With("received", received)
	}
	return log
}

// claim passes the gate and wins the lease. A job whose last attempt may have
// killed its process has the process to itself: it comes back through the gate
// alone. It holds no lease while it waits there, because whoever holds one when
// a neighbour kills the process has an attempt counted.
func (w *Worker) claim(ctx, stop context.Context, m job.Message, log *slog.Logger) (lease *store.Lease, leave func(), err error) {
	for alone := false; ; alone = true {
		if err := w.gate.enter(ctx, stop, alone); err != nil {
			return nil, nil, err
		}
		claim := w.Store.Claim
		if w.claims.Load() > 1 && !alone {
			claim = w.Store.ClaimShared
		}
		lease, err := claim(ctx, m.Job, m.Run, w.Name)
		if err == nil && (alone || !lease.Crashed) {
			return lease, w.gate.leave, nil
		}
		if err == nil {
			err = lease.Release(false)
		}
		w.gate.leave()
		if err != nil {
			return nil, nil, err
		}
		log.Info("the process of its last attempt died: the next one runs alone")
	}
}

// settle is the table of outcomes: what becomes of the lease and of the
// message after an attempt that ended with err. It fills in a's outcome.
func (w *Worker) settle(log *slog.Logger, lease *store.Lease, a *Attempt, err error) error {
	failure := job.FailureOf(err)
	r := a.Receipt
	log = log.With("took_ms", milliseconds(time.Since(lease.Began)), "queue_wait_ms", r.QueueWaitMS,
		"read_ms", milliseconds(a.Read), "decode_ms", r.DecodeMS, "stylize_ms", r.StylizeMS, "encode_ms", r.EncodeMS,
		"write_ms", milliseconds(a.Write), "cold_start", r.ColdStart)
	switch {
	case err == nil: // committed: the message is done with
		a.Outcome = Succeeded
		log.Info("succeeded")
		return nil
	case errors.Is(err, job.ErrLeaseLost): // another decides: leave job and message to them
		a.Outcome = Lost
		log.Warn("lost the lease", "error", err)
		return err
	case errors.Is(err, ErrStuck): // as after a crash: the next attempt is alone
		a.Outcome = Stuck
		log.Error("its run of the engine does not end", "error", err)
		if errors.As(err, new(hangError)) {
			err = errors.Join(err, lease.Blame())
		}
		return err // else the lease runs out by itself
	case failure != nil: // it would fail again: the run ends here
		a.Outcome, a.Code = Failed, failure.Code
		log.Warn("failed", "code", failure.Code, "error", err)
		err := w.diagnose(lease.Fail(*failure))
		if errors.Is(err, job.ErrLeaseLost) && !errors.Is(err, job.ErrStoreAway) {
			return nil // it has ended otherwise
		}
		return err
	default: // it may go better next time: give the job back, keep the message
		a.Outcome = GivenBack
		if rerr := lease.Release(blames(err)); rerr != nil {
			return errors.Join(err, rerr) // then the lease runs out by itself
		}
		return err
	}
}

// blames says whether an attempt that ended with err counts: where the picture
// may be at fault, or the job's own files. Being told to stop and a store that
// is away say nothing about the job.
func blames(err error) bool {
	var e engineError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, job.ErrStoreAway):
		return false
	default:
		return errors.As(err, &e) || fromFiles(err)
	}
}

// paint is the work itself, from the stored picture to the stored result.
// Panics of the decoders and encoders end here.
// The receipt, and a for what is not in receipts, have what was measured up to the error;
// handled is when the delivery came.
func (w *Worker) paint(ctx, stop context.Context, lease *store.Lease, a *Attempt, handled time.Time) (receipt job.Receipt, err error) {
	defer w.recovered(lease.Spec.ID, &err)
	spec := lease.Spec
	receipt = job.Receipt{
		Worker: w.Kind, Engine: w.Engine, Model: w.Model,
		QueueWaitMS: milliseconds(lease.Began.Sub(spec.CreatedAt)),
	}

	request, preview, room, read, decoded, err := w.load(ctx, stop, lease)
	if err != nil {
		return receipt, err
	}
	defer room.leave()
	a.Read, receipt.DecodeMS = read, milliseconds(read+decoded)
	stored := w.storePreview(lease, preview) // while the engine is at work
	defer func() { _ = stored.wait(ctx) }()  // it uses the lease; its error counts below

	receipt.ColdStart = !w.warm.Swap(true)
	painted, took, err := w.stylize(ctx, stop, spec.ID, request, room)
	if err != nil {
		return receipt, err
	}
	began := time.Now()
	if spec.PreserveColors {
		if err := imageio.KeepColors(painted, request.Content); err != nil {
			return receipt, engineError{err}
		}
	}
	receipt.StylizeMS = milliseconds(took + time.Since(began))

	began = time.Now()
	var out bytes.Buffer
	if err := imageio.Encode(&out, painted, spec.Format, spec.Quality); err != nil {
		return receipt, engineError{err}
	}
	thumb, err := thumbnail(painted, &spec)
	if err != nil {
		return receipt, engineError{err}
	}
	receipt.EncodeMS = milliseconds(time.Since(began))

	if err := stored.wait(ctx); err != nil {
		return receipt, err
	}
	if ctx.Err() != nil {
		return receipt, context.Cause(ctx) // the lease may be another's by now
	}
	if w.Charge != nil {
		w.Charge(&receipt, time.Since(handled))
	}
	began = time.Now()
	defer func() { a.Write = time.Since(began) }()
	return receipt, lease.Succeed(out.Bytes(), thumb, job.Result{
		Width: painted.Rect.Dx(), Height: painted.Rect.Dy(), ContentType: imageio.ContentType(spec.Format),
	}, receipt)
}

// thumbnail makes what the gallery shows of a public job; nil where a copy of the result
// will do, or the gallery doesn't show it.
func thumbnail(painted *image.RGBA, spec *job.Spec) ([]byte, error) {
	small := max(painted.Rect.Dx(), painted.Rect.Dy()) <= imageio.ThumbnailEdge
	if !spec.Public || small && spec.Format == "jpeg" {
		return nil, nil
	}
	return imageio.Thumbnail(painted)
}

// storing is a preview on its way into the store.
type storing struct {
	done chan struct{}
	err  error // once done is closed
}

// storePreview begins to store the preview, if there is one.
func (w *Worker) storePreview(lease *store.Lease, preview []byte) *storing {
	s := &storing{done: make(chan struct{})}
	if preview == nil {
		close(s.done)
		return s
	}
	go func() {
		defer close(s.done)
		s.err = lease.StorePreview(preview)
	}()
	return s
}

// wait returns how that went, or ctx's cause where a dead file server keeps it.
func (s *storing) wait(ctx context.Context) error {
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// load reads and decodes what a job's spec names, once there is memory for all that
// follows, and returns how long each took without the waits. Without an error, room is
// to be left.
func (w *Worker) load(ctx, stop context.Context, lease *store.Lease) (r style.Request, preview []byte, room *share, read, decoded time.Duration, err error) {
	spec := &lease.Spec
	began := time.Now()
	photo, picture, err := w.read(spec)
	if err != nil {
		return r, nil, nil, 0, 0, err
	}
	read = time.Since(began)
	if room, err = w.memory.take(ctx, stop, w.needs(spec, photo, picture)); err != nil {
		return r, nil, nil, 0, 0, err
	}
	r, preview, decoded, err = w.decode(ctx, stop, spec, decoder.Request{
		Photo: photo, Longest: spec.Longest(), Style: picture, Preview: !lease.HasPreview(),
	})
	if err != nil {
		room.leave()
		return r, nil, nil, 0, 0, err
	}
	return r, preview, room, read, decoded, nil
}

// needs is the memory that a job takes, from its decode to its stored result.
func (w *Worker) needs(spec *job.Spec, photo, picture []byte) int64 {
	width, height := imageio.Fitted(spec.Input.Width, spec.Input.Height, spec.Longest())
	return w.Footprint.Picture(width, height, imageio.JobMemory(photo, picture, width, height))
}

// decode makes the engine's request, and the photograph's preview if it was asked for,
// and says how long that took.
func (w *Worker) decode(ctx, stop context.Context, spec *job.Spec, pictures decoder.Request) (r style.Request, preview []byte, took time.Duration, err error) {
	r.Strength = spec.Strength
	if spec.Style != job.CustomStyle {
		if r.Mix, err = style.ParseMix(spec.Style); err != nil {
			return r, nil, 0, err
		}
	}
	if err := acquire(ctx, stop, w.codecs); err != nil {
		return r, nil, 0, err
	}
	defer func() { <-w.codecs }()
	began := time.Now()
	decoded, err := w.Decoder.Decode(ctx, pictures)
	switch {
	case ctx.Err() != nil:
		return r, nil, 0, context.Cause(ctx)
	case errors.Is(err, decoder.ErrNotStarted): // which says nothing about the picture
		return r, nil, 0, err
	case err != nil:
		return r, nil, 0, engineError{err}
	}
	r.Content, r.Picture = decoded.Photo, decoded.Style
	return r, decoded.Preview, time.Since(began), nil
}

// read reads the pictures of a job; the style's is nil where a name stands for it.
func (w *Worker) read(spec *job.Spec) (photo, picture []byte, err error) {
	photo, picture, err = w.Store.Pictures(spec)
	if errors.Is(err, job.ErrNotFound) {
		// A job's files appear with it and are never written again: what is missing
		// now stays so.
		err = fmt.Errorf("%w (%w)", &job.Failure{Code: job.CodeInternal, Message: "a picture of the job is missing"}, err)
	}
	return photo, picture, err
}

// milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

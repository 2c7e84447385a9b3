package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An extender is the queue as far as handing back needs it, over a network.
type extender interface {
	Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error
}

// attend handles one delivery. nil: the message is done with; else it is to be
// handed back.
func (w *Worker) attend(ctx, stop context.Context, d job.Delivery) error {
	m, err := job.DecodeMessage(d.Body)
	if err != nil {
		return err
	}
	m.Request = d.Request
	if err := w.handle(ctx, stop, m, d.Received); err != nil {
		return fmt.Errorf("job %s, run %d: %w", m.Job, m.Run, err)
	}
	return nil
}

// handBack makes a message visible again after a time that depends on why it was
// not done with. ctx bounds the call and nothing else.
func (w *Worker) handBack(ctx context.Context, q extender, d job.Delivery, why error) {
	after := w.again(d, why)
	log := w.Log.With("message", d.ID, "received", d.Received, "again_in", after.Round(time.Millisecond))
	if d.Request != "" {
		log = log.With("request", d.Request)
	}
	switch {
	case errors.Is(why, job.ErrMalformed):
		log.Error("not a job message", "error", why)
	case errors.Is(why, errStopping):
		log.Info("given back", "error", why)
	default:
		log.Warn("will be tried again", "error", why)
	}
	if err := q.Extend(ctx, d, after); err != nil {
		log.Warn("a message was not handed back: it comes again when its time is over", "error", err)
	}
}

const (
	// malformedAgain is soon: nobody can read the message, and the queue's redrive
	// policy moves it to the dead-letter queue, where a person looks at it, after
	// so many receipts.
	malformedAgain = time.Second
	// awayAgain is long, since every receipt brings a message closer to the
	// dead-letter queue, and a store that is away says nothing about its job.
	awayAgain = 30 * time.Second
)

// again is when a message should be delivered another time.
func (w *Worker) again(d job.Delivery, why error) time.Duration {
	var blamed engineError
	switch {
	case errors.Is(why, job.ErrMalformed):
		return malformedAgain
	case errors.Is(why, ErrStuck): // its lease has to run out first
		return w.Store.Lease() + retryIn(d.Received)
	case errors.Is(why, job.ErrStoreAway):
		return awayAgain + rand.N(awayAgain/2)
	case errors.Is(why, errStopping) && !errors.As(why, &blamed):
		return 0
	default:
		return retryIn(d.Received)
	}
}

// retryIn spaces out the deliveries of a message that fails: 1, 2, 4, ... up to
// 60 s, with jitter so that jobs that failed together don't come back together.
func retryIn(received int) time.Duration {
	d := time.Second << min(max(received-1, 0), 6)
	return min(d, time.Minute)/2 + rand.N(min(d, time.Minute))
}

// callTimeout bounds a call of the queue beyond what it is asked to wait.
const callTimeout = 10 * time.Second

// lastWords is a context for what the queue must hear even when the worker has
// been told to stop.
func lastWords(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
}

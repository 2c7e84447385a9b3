package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An extender is what is needed of the queue to return messages to it. Its calls use the network.
type extender interface {
	Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error
}

// process makes the attempt at the run that a delivered message names. nil means that the message
// can be deleted. After an error, the caller calls returnMessage with it. stop is explained at
// interrupted.
func (w *Worker) process(ctx context.Context, stop <-chan struct{}, d job.Delivery) error {
	m, err := job.DecodeMessage(d.Body)
	if err != nil {
		return err
	}
	m.Request = d.Request
	if err := w.newAttempt(stop, m, d.Received).run(ctx); err != nil {
		return fmt.Errorf("job %s, run %d: %w", m.Job, m.Run, err)
	}
	return nil
}

// returnMessage makes the queue deliver a message again, after a time that depends on why it was
// not processed. The call is made even if ctx has ended.
func (w *Worker) returnMessage(ctx context.Context, q extender, d job.Delivery, why error) {
	delay := w.redeliveryDelay(d, why)
	log := w.cfg.Log.With("message", d.ID, "received", d.Received, "again_in", delay.Round(time.Millisecond))
	if m, err := job.DecodeMessage(d.Body); err == nil {
		log = log.With("job", m.Job, "run", m.Run)
	}
	if d.Request != "" {
		log = log.With("request", d.Request)
	}
	switch {
	case errors.Is(why, job.ErrMalformed):
		log.Error("received a message that names no job; the queue moves it to the dead-letter queue: inspect it there", "error", why)
	case errors.Is(why, errStopping):
		log.Info("gave a job back; its message is delivered again", "error", why)
	default:
		log.Warn("could not finish the job of a message; the message is delivered again, or becomes a dead letter after the queue's limit of receives", "error", why)
	}
	if err := q.Extend(ctx, d, delay); err != nil {
		log.Warn("could not return a message to the queue; it is delivered again when its visibility ends", "error", err)
	}
}

const (
	// malformedDelay is short: no worker can process the message. After several receives the queue
	// moves it to the dead-letter queue, where an operator finds it.
	malformedDelay = time.Second
	// storeUnavailableDelay is long: the job is not the cause, and with every receive the message
	// comes closer to the dead-letter queue.
	storeUnavailableDelay = 30 * time.Second
)

// redeliveryDelay returns how long a message that was not processed because of why stays hidden.
func (w *Worker) redeliveryDelay(d job.Delivery, why error) time.Duration {
	switch {
	case errors.Is(why, job.ErrMalformed):
		return malformedDelay
	case errors.Is(why, ErrStuck): // the lease must expire first
		return w.cfg.Store.Lease() + retryDelay(d.Received)
	case errors.Is(why, job.ErrStoreUnavailable):
		return storeUnavailableDelay + rand.N(storeUnavailableDelay/2)
	case errors.Is(why, errStopping) && !errors.As(why, new(pictureError)):
		return 0
	default:
		return retryDelay(d.Received)
	}
}

// retryDelay returns how long the message of a failed attempt stays hidden: 1, 2, 4, ... up to 60
// s, the longer the more often it was received, times a random factor of 0.5 to 1.5. So jobs that
// failed together are not delivered together again.
func retryDelay(received int) time.Duration {
	d := time.Second << min(max(received-1, 0), 6)
	return min(d, time.Minute)/2 + rand.N(min(d, time.Minute))
}

// callTimeout limits a call of the queue. A long poll may take that much longer than it waits for
// messages.
const callTimeout = 10 * time.Second

// detached returns a context for calls of the queue that must be made even if ctx has ended. It
// ends after callTimeout.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
}

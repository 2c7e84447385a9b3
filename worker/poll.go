package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// SQS's bounds: messages in one receipt, and the length of one long poll.
const (
	maxBatch = 10
	maxWait  = 20 * time.Second
)

// A source is the queue as Poll needs it, over a network.
type source interface {
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error
	Delete(ctx context.Context, d job.Delivery) error
}

// PollConfig says how Poll goes about it; zero values are the defaults.
type PollConfig struct {
	Concurrent int           // jobs at once; 1
	Visibility time.Duration // how long a message stays hidden without a heartbeat; 30 s
	Wait       time.Duration // of one long poll; 20 s
	Grace      time.Duration // for running jobs to finish once ctx has ended; 25 s
}

func (c PollConfig) withDefaults() PollConfig {
	c.Concurrent = max(c.Concurrent, 1)
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Visibility, 30 * time.Second}, {&c.Wait, maxWait}, {&c.Grace, 25 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// Poll takes deliveries from the queue and handles them until ctx ends. Then it
// stops receiving and waits for running jobs, for Grace at most; what is not
// finished by then is given back. It returns when nothing of it runs any more:
// nil if all that had begun was finished.
func (w *Worker) Poll(ctx context.Context, q source, cfg PollConfig) error {
	cfg = cfg.withDefaults()
	// Jobs outlive ctx by the grace time.
	work, kill := context.WithCancelCause(context.WithoutCancel(ctx))
	defer kill(nil)
	var running sync.WaitGroup
	// A slot is taken before a message is: none waits in this process while
	// another worker is idle.
	slots := make(chan struct{}, cfg.Concurrent)
	var pause backoff

	for ctx.Err() == nil {
		free := take(ctx, slots)
		if free == 0 {
			break
		}
		ds, err := receive(ctx, q, free, cfg)
		for range free - len(ds) {
			<-slots
		}
		if err != nil && ctx.Err() == nil {
			d := pause.next()
			w.Log.Warn("the queue is away", "error", err, "again_in", d.Round(time.Millisecond))
			sleep(ctx, d)
			continue
		}
		pause = backoff{}
		stopping := ctx.Err() != nil
		for _, d := range ds {
			running.Go(func() {
				defer func() { <-slots }()
				if stopping { // they came with the order to stop
					w.handBack(work, q, d, 0)
					return
				}
				w.deliver(work, q, d, cfg.Visibility)
			})
		}
	}

	drained := make(chan struct{})
	go func() { running.Wait(); close(drained) }()
	select {
	case <-drained:
		return nil
	case <-time.After(cfg.Grace):
		kill(errors.New("the grace time is over"))
	}
	select {
	case <-drained:
		return fmt.Errorf("stop: not every job was finished within %s; the rest was given back", cfg.Grace)
	case <-time.After(overrun):
		return fmt.Errorf("stop: %w within %s: the job goes to another worker when its lease runs out", ErrStuck, cfg.Grace+overrun)
	}
}

// ErrStuck says that the engine, which can't be interrupted, did not end. The caller must
// end the process without waiting for it.
var ErrStuck = errors.New("a picture was not finished")

// overrun is what a run of the engine gets on top of the grace time, since it
// can't be interrupted.
const overrun = 10 * time.Second

// receive is one long poll, bounded: a connection that went dead without a word
// must not keep the worker waiting for ever.
func receive(ctx context.Context, q source, n int, cfg PollConfig) ([]job.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.Wait+callTimeout)
	defer cancel()
	return q.Receive(ctx, n, cfg.Wait, cfg.Visibility)
}

// callTimeout bounds a call of the queue beyond what it is asked to wait.
const callTimeout = 10 * time.Second

// take waits for one slot and then takes what else is free, up to a batch.
func take(ctx context.Context, slots chan struct{}) (n int) {
	select {
	case slots <- struct{}{}:
		n = 1
	case <-ctx.Done():
		return 0
	}
	for n < maxBatch {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
}

// deliver handles one delivery and says to the queue what became of it.
func (w *Worker) deliver(ctx context.Context, q source, d job.Delivery, visibility time.Duration) {
	log := w.Log.With("message", d.ID, "received", d.Received)
	m, err := job.DecodeMessage(d.Body)
	if err != nil {
		// Left in the queue: its redrive policy takes it to the dead-letter
		// queue, where a person can look at it.
		log.Error("not a job message", "error", err)
		return
	}
	held, stop := w.hide(ctx, q, d, visibility)
	err = w.Handle(held, m)
	stop()
	if err != nil {
		again := retryIn(d.Received)
		log.Warn("will be tried again", "job", m.Job, "error", err, "in", again)
		w.handBack(ctx, q, d, again)
		return
	}
	ctx, cancel := lastWords(ctx)
	defer cancel()
	if err := q.Delete(ctx, d); err != nil {
		// Then it comes again by itself, and Handle knows what it has done.
		log.Warn("the queue was not told of the end", "job", m.Job, "error", err)
	}
}

// handBack makes a message visible again after a time.
func (w *Worker) handBack(ctx context.Context, q source, d job.Delivery, after time.Duration) {
	ctx, cancel := lastWords(ctx)
	defer cancel()
	if err := q.Extend(ctx, d, after); err != nil {
		w.Log.Warn("a message was not handed back: it comes again when its time is over", "message", d.ID, "error", err)
	}
}

// lastWords is a context for what the queue must hear even when the worker has
// been told to stop.
func lastWords(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
}

// hide keeps a message from other receivers until stop is called, renewing at a
// third of the time. A single failure may pass; when the time has run out the
// message is somebody else's and the work is cancelled.
func (w *Worker) hide(ctx context.Context, q source, d job.Delivery, visibility time.Duration) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(visibility / 3)
		defer every.Stop()
		until := time.Now().Add(visibility)
		for {
			select {
			case <-held.Done():
				return
			case <-every.C:
			}
			asked := time.Now()
			err := extend(held, q, d, visibility, until)
			switch {
			case err == nil:
				until = asked.Add(visibility)
			case held.Err() != nil:
				return
			case time.Now().Add(visibility / 3).After(until):
				cancel(fmt.Errorf("keep message %s hidden: %w", d.ID, err))
				return
			}
		}
	}()
	return held, func() { cancel(nil); <-done }
}

// extend is one try to keep a message hidden, which must not take longer than
// the message stays hidden.
func extend(ctx context.Context, q source, d job.Delivery, visibility time.Duration, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until.Add(-visibility/6))
	defer cancel()
	return q.Extend(ctx, d, visibility)
}

// retryIn spaces out the deliveries of a message that fails: 1, 2, 4, ... up to
// 60 s, with jitter so that jobs that failed together don't come back together.
func retryIn(received int) time.Duration {
	d := time.Second << min(max(received-1, 0), 6)
	return min(d, time.Minute)/2 + rand.N(min(d, time.Minute))
}

// backoff spaces out calls to a service that is away: 0.2, 0.4, ... up to 5 s.
type backoff struct{ n int }

func (b *backoff) next() time.Duration {
	d := min(200*time.Millisecond<<min(b.n, 10), 5*time.Second)
	b.n++
	return d/2 + rand.N(d/2)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

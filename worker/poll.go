package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
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
	extender
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Delete(ctx context.Context, d job.Delivery) error
}

// PollConfig says how Poll goes about it; zero values are the defaults.
type PollConfig struct {
	// Prefetch is how many messages more than the engine runs at once are taken
	// from the queue, so that some jobs are read, decoded, encoded and stored while
	// others are in the engine: on a network file system that takes as long as the
	// engine does. 0: as many as the engine runs at once; below 0: none.
	//
	// Each costs the memory of a picture that waits (its file, and 4 bytes a pixel
	// at the size asked for: 4 MB at 1024 pixels, 67 MB at the most), and may keep
	// a job from a worker that has nothing to do, for as long as a picture takes.
	// So that idle workers get their share of a burst, one call of the queue asks
	// for no more messages than the engine runs at once.
	Prefetch   int
	Visibility time.Duration // how long a message stays hidden without a heartbeat; 30 s
	Wait       time.Duration // of one long poll; 20 s
	Grace      time.Duration // for jobs in the engine to finish once ctx has ended; 25 s
}

func (c PollConfig) withDefaults(concurrent int) PollConfig {
	switch {
	case c.Prefetch == 0:
		c.Prefetch = concurrent
	case c.Prefetch < 0:
		c.Prefetch = 0
	}
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
// stops receiving, gives back what is not in the engine yet and waits for the
// rest, for Grace at most; what is not finished by then is given back too. nil:
// all that the engine had begun was finished, and nothing of Poll runs any more.
//
// While the store is away Poll receives nothing. An error that wraps [ErrStuck]
// comes without an end of ctx when the watchdog ends w.stuck, after the same drain; the
// caller must end the process then, without waiting for the engine.
func (w *Worker) Poll(ctx context.Context, q source, cfg PollConfig) error {
	p := &poller{Worker: w, q: q, cfg: cfg.withDefaults(w.Concurrent)}
	// Jobs in the engine outlive ctx by the grace time.
	work, kill := context.WithCancelCause(context.WithoutCancel(ctx))
	defer kill(nil)
	stop, order := context.WithCancel(ctx)
	defer order()
	defer context.AfterFunc(w.stuck, order)()
	p.work, p.stop = work, stop
	p.receive()
	return p.drain(kill)
}

// A poller is one call of Poll.
type poller struct {
	*Worker
	q       source
	cfg     PollConfig
	work    context.Context // of all jobs
	stop    context.Context // ends when no more are to be begun
	running sync.WaitGroup
	away    atomic.Bool // a job found the store away
}

// receive begins jobs until it is told to stop.
func (p *poller) receive() {
	// A slot is taken before a message is: what this process can't hold stays for
	// others.
	slots := make(chan struct{}, p.Concurrent+p.cfg.Prefetch)
	p.claims.Store(int32(cap(slots))) //nolint:gosec // some dozens
	var pause backoff
	for p.stop.Err() == nil && p.stuck.Err() == nil {
		free := take(p.stop, slots, min(p.Concurrent, maxBatch))
		ds, err := p.next(free)
		for range free - len(ds) {
			<-slots
		}
		if err != nil && p.stop.Err() == nil {
			d := pause.next()
			p.Log.Warn("nothing is received", "error", err, "again_in", d.Round(time.Millisecond))
			sleep(p.stop, d)
			continue
		}
		pause = backoff{}
		for _, d := range ds {
			p.running.Go(func() {
				defer func() { <-slots }()
				p.deliver(d)
			})
		}
	}
}

// next is one long poll for n messages, if the store is there. It is bounded: a
// connection that went dead without a word must not keep the worker waiting for
// ever.
func (p *poller) next(n int) ([]job.Delivery, error) {
	if n == 0 {
		return nil, nil
	}
	if p.away.Load() {
		if err := p.checkStore(p.stop); err != nil {
			return nil, fmt.Errorf("%w: %w", job.ErrStoreAway, err)
		}
		p.away.Store(false)
		p.Log.Info("the store is there again")
	}
	ctx, cancel := context.WithTimeout(p.stop, p.cfg.Wait+callTimeout)
	defer cancel()
	return p.q.Receive(ctx, n, p.cfg.Wait, p.cfg.Visibility)
}

// deliver handles one delivery and says to the queue what became of it.
func (p *poller) deliver(d job.Delivery) {
	held, release := hide(p.work, p.q, d, p.cfg.Visibility)
	err := p.attend(held, p.stop, d)
	release()
	if errors.Is(err, job.ErrStoreAway) {
		p.away.Store(true)
	}
	ctx, cancel := lastWords(p.work)
	defer cancel()
	if err != nil {
		p.handBack(ctx, p.q, d, err)
		return
	}
	if err := p.q.Delete(ctx, d); err != nil {
		// Then it comes again by itself, and Handle knows what it has done.
		p.Log.Warn("the queue was not told of the end", "message", d.ID, "error", err)
	}
}

// overrun is what the engine gets on top of the grace time, since it can't be
// interrupted, and a store that does not answer.
const overrun = 10 * time.Second

// drain waits for what runs, and says how that ended.
func (p *poller) drain(kill context.CancelCauseFunc) error {
	drained := make(chan struct{})
	go func() { p.running.Wait(); close(drained) }()
	var late error
	select {
	case <-drained:
	case <-time.After(p.cfg.Grace):
		late = fmt.Errorf("not every job was finished within %s; the rest was given back", p.cfg.Grace)
		kill(fmt.Errorf("%w: the grace time is over", errStopping))
	}
	limit := time.NewTimer(overrun)
	defer limit.Stop()
	select {
	case <-drained:
	case <-limit.C:
		return fmt.Errorf("stop: %w, or the store does: jobs go to other workers when their leases run out", ErrStuck)
	}
	switch {
	case p.stuck.Err() != nil:
		return fmt.Errorf("stop: %w", context.Cause(p.stuck))
	case !p.idle(limit.C): // with a run that was abandoned
		return fmt.Errorf("stop: %w", ErrStuck)
	case late != nil:
		return fmt.Errorf("stop: %w", late)
	}
	return nil
}

// take waits for one slot and then takes what else is free, up to most.
func take(ctx context.Context, slots chan struct{}, most int) (n int) {
	select {
	case slots <- struct{}{}:
		n = 1
	case <-ctx.Done():
		return 0
	}
	for n < most {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
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

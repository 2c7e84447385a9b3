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

// SQS's limits: messages in one receive call, and the length of a long poll.
const (
	maxBatch = 10
	maxWait  = 20 * time.Second
)

// A source is what Poll needs of the queue. Its calls use the network.
type source interface {
	extender
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Delete(ctx context.Context, d job.Delivery) error
}

// PollConfig configures [Worker.Poll]. A field that is zero has its default.
type PollConfig struct {
	// Prefetch is how many messages are received in addition to those whose pictures are in the
	// engine. So some jobs are read, decoded, encoded and stored while others are in the engine; on
	// a network file system this takes as long as the engine does. 0 means as many as the engine
	// runs at the same time; a negative number means none.
	//
	// Each of them takes the memory of a picture that waits: its file, and 4 bytes a pixel at the
	// requested size, which is 4 MB at 1024 pixels and 67 MB at most. It may wait for as long as
	// another picture takes to paint, even while another worker is idle. One call asks the queue
	// for no more messages than the engine runs at the same time, so that a burst is shared among
	// idle workers.
	Prefetch   int
	Visibility time.Duration // how long a message is hidden before it is extended; default 30 s
	Wait       time.Duration // of one long poll; default 20 s
	Grace      time.Duration // for jobs in the engine to finish after ctx has ended; default 25 s
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

// Poll receives messages and processes them until ctx ends. Then it receives no more, gives back
// the jobs that have not reached the engine, and waits for the others, for at most cfg.Grace. It
// gives back what is not finished by then too. nil means that all runs of the engine were finished,
// and that nothing that Poll started is still running.
//
// While the store is unavailable, Poll receives nothing. If the worker is stuck, Poll stops in the
// same way, before ctx ends, and its error wraps [ErrStuck]. The caller must then end the process,
// without waiting for the engine.
func (w *Worker) Poll(ctx context.Context, q source, cfg PollConfig) error {
	p := &poller{w: w, q: q, cfg: cfg.withDefaults(w.cfg.Concurrent)}
	// The attempts may go on for the grace time after ctx has ended.
	work, kill := context.WithCancelCause(context.WithoutCancel(ctx))
	defer kill(nil)
	ctx, stop := untilClosed(ctx, w.stuck.ch)
	defer stop()
	p.receive(ctx, work)
	return p.drain(kill)
}

// A poller is the state of one call of Poll.
type poller struct {
	w                *Worker
	q                source
	cfg              PollConfig
	running          sync.WaitGroup
	storeUnavailable atomic.Bool // an attempt found the store unavailable
}

// receive receives messages and starts an attempt for each, until ctx ends. work is the context of
// the attempts.
func (p *poller) receive(ctx, work context.Context) {
	// A slot is taken before messages are received, so that messages for which this process has no
	// slot are left to other workers.
	slots := make(chan struct{}, p.w.cfg.Concurrent+p.cfg.Prefetch)
	p.w.setMaxClaims(cap(slots))
	var pause backoff
	for ctx.Err() == nil && p.w.stuck.error() == nil {
		free := takeSlots(ctx, slots, min(p.w.cfg.Concurrent, maxBatch))
		ds, err := p.next(ctx, free)
		for range free - len(ds) {
			<-slots
		}
		if err != nil && ctx.Err() == nil {
			d := pause.next()
			// The store is the cause if its probe has failed; see next.
			p.w.cfg.Log.Warn("receiving no messages; trying again", "error", err, "again_in", d.Round(time.Millisecond))
			sleep(ctx, d)
			continue
		}
		pause = backoff{}
		for _, d := range ds {
			p.running.Go(func() {
				defer func() { <-slots }()
				p.process(work, ctx.Done(), d)
			})
		}
	}
}

// next receives up to n messages with one long poll, unless the store is unavailable. The call has
// a timeout, because a connection may be lost without an error.
func (p *poller) next(ctx context.Context, n int) ([]job.Delivery, error) {
	if n == 0 {
		return nil, nil
	}
	if p.storeUnavailable.Load() {
		if err := p.w.probeStore(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", job.ErrStoreUnavailable, err)
		}
		p.storeUnavailable.Store(false)
		p.w.cfg.Log.Info("the store is available again")
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Wait+callTimeout)
	defer cancel()
	return p.q.Receive(ctx, n, p.cfg.Wait, p.cfg.Visibility)
}

// process processes one message, and then deletes it or returns it to the queue.
func (p *poller) process(ctx context.Context, stop <-chan struct{}, d job.Delivery) {
	held, release := extendVisibility(ctx, p.q, d, p.cfg.Visibility)
	err := p.w.process(held, stop, d)
	release()
	if errors.Is(err, job.ErrStoreUnavailable) {
		p.storeUnavailable.Store(true)
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err != nil {
		p.w.returnMessage(ctx, p.q, d, err)
		return
	}
	if err := p.q.Delete(ctx, d); err != nil {
		// The message will be delivered again, and its attempt will find nothing to do.
		p.w.cfg.Log.Warn("could not delete the message of a run that has ended; it is delivered again, which does no harm", "message", d.ID, "error", err)
	}
}

// overrun is how much longer than the grace time Poll may take: the engine can't be interrupted,
// and the store may not respond.
const overrun = 10 * time.Second

// drain waits for the attempts in work. It returns an error if some were not finished.
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
		return fmt.Errorf("stop: %w, in the engine or in the store: other workers get the jobs when their leases expire", ErrStuck)
	}
	stuck := p.w.stuck.error()
	switch {
	case stuck != nil:
		return fmt.Errorf("stop: %w", stuck)
	case !p.w.waitUntilIdle(limit.C): // an abandoned run is in the engine
		return fmt.Errorf("stop: %w", ErrStuck)
	case late != nil:
		return fmt.Errorf("stop: %w", late)
	}
	return nil
}

// takeSlots waits for one slot, and then takes all others that are free, up to limit in total. n is
// how many it has taken; it is 0 if ctx ends before one is free.
func takeSlots(ctx context.Context, slots chan struct{}, limit int) (n int) {
	select {
	case slots <- struct{}{}:
		n = 1
	case <-ctx.Done():
		return 0
	}
	for n < limit {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
}

// A backoff returns the pauses before calls to a service that is unavailable: 0.2, 0.4, ... up to 5
// s. A random part of up to half is subtracted from each.
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

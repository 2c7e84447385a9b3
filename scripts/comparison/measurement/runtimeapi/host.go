// Package runtimeapi runs a function's program as AWS Lambda does: it hands events to it over
// the runtime API (2018-06-01), starts an environment when all are busy, takes the newest
// one first, and ends those that are idle. Environments that handle several events at once, as on Lambda Managed Instances,
// are there too; that AWS would run this function so is hypothetical.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// A Config is a function's settings.
type Config struct {
	// Command makes the command of an environment's process. Its environment gets what the
	// runtime API needs besides.
	Command func() (*exec.Cmd, error)
	// Concurrency is how many events an environment handles at once. More than one sets
	// AWS_LAMBDA_MAX_CONCURRENCY, which aws-lambda-go understands.
	Concurrency  int
	Environments int           // at most
	MemoryMB     int           // told to the function; 0 is not told
	Timeout      time.Duration // of an event, and of a start
	// Idle is how long an environment without an event is kept. 0: until Close. Lambda keeps them for
	// minutes, which it does not document.
	Idle time.Duration
	Log  string // file to which the processes' output is appended
}

// An Invocation is what became of an event.
type Invocation struct {
	Response []byte
	Cold     bool          // it was its environment's first
	Start    time.Duration // from the start of the process until it asked for an event; of cold ones
	Waited   time.Duration // for an environment that was free, or started for it
	Took     time.Duration // from the event's delivery to the response
}

// Billed is what Lambda bills: the time of the event, and since August 2025 that of the start,
// rounded up to a millisecond.
func (i Invocation) Billed() time.Duration {
	sum := i.Start + i.Took
	return (sum + time.Millisecond - 1).Truncate(time.Millisecond)
}

// A Host runs one function. It is safe for concurrent use, and to be closed.
type Host struct {
	cfg Config

	mu           sync.Mutex
	closed       bool
	environments []*environment      // the newest last
	waiting      []chan *environment // of those who wait for a place, the oldest first; each of capacity 1
	processes    sync.WaitGroup      // that have not ended
}

// New checks the settings. It starts nothing yet.
func New(cfg Config) (*Host, error) {
	if cfg.Concurrency < 1 || cfg.Environments < 1 || cfg.Timeout <= 0 {
		return nil, fmt.Errorf("a function needs a concurrency, a number of environments and a timeout, not %d, %d and %v", cfg.Concurrency, cfg.Environments, cfg.Timeout)
	}
	return &Host{cfg: cfg}, nil
}

// ErrEnded is of a process that ended while it had an event, or before it took one.
var ErrEnded = errors.New("the function's process has ended")

// ErrTimeout is of an event, or a start, that took longer than the function's timeout. The
// process is killed.
var ErrTimeout = errors.New("the function has timed out")

// A FunctionError is what a function reports of an event that it could not handle.
type FunctionError struct{ Payload []byte }

func (e *FunctionError) Error() string { return "the function failed: " + string(e.Payload) }

// Invoke hands an event to the function, once an environment is free, and returns its response.
func (h *Host) Invoke(ctx context.Context, event []byte) (i Invocation, err error) {
	began := time.Now()
	e, err := h.place(ctx)
	if err != nil {
		return i, err
	}
	defer h.free(e)
	limit := time.NewTimer(h.cfg.Timeout)
	defer limit.Stop()
	select {
	case <-e.ready:
	case <-e.ended:
		return i, e.failure(ErrEnded)
	case <-limit.C:
		e.kill()
		return i, e.failure(ErrTimeout)
	case <-ctx.Done():
		return i, ctx.Err()
	}
	i.Waited = time.Since(began)
	if e.first() {
		i.Cold, i.Start = true, e.started
	}
	limit.Reset(h.cfg.Timeout)
	delivery := &delivery{event: event, answered: make(chan answer, 1)}
	select {
	case e.events <- delivery:
	case <-e.ended:
		return i, e.failure(ErrEnded)
	case <-limit.C:
		e.kill()
		return i, e.failure(ErrTimeout)
	case <-ctx.Done():
		return i, ctx.Err()
	}
	select {
	case a := <-delivery.answered:
		return i.answer(delivery, a)
	case <-e.ended:
		select { // it may have ended just after its answer
		case a := <-delivery.answered:
			return i.answer(delivery, a)
		default:
			return i, e.failure(ErrEnded)
		}
	case <-limit.C:
		e.kill()
		return i, e.failure(ErrTimeout)
	case <-ctx.Done():
		return i, ctx.Err()
	}
}

func (i Invocation) answer(d *delivery, a answer) (Invocation, error) {
	i.Response, i.Took = a.payload, a.at.Sub(d.at())
	if a.failed {
		return i, &FunctionError{a.payload}
	}
	return i, nil
}

// place takes a place in an environment: in the newest that has one, in a new one if there may
// be another, and else in the first that gets one.
func (h *Host) place(ctx context.Context) (*environment, error) {
	for {
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return nil, errors.New("the function's host is closed")
		}
		h.environments = alive(h.environments)
		for n := len(h.environments) - 1; n >= 0; n-- {
			if e := h.environments[n]; e.busy < h.cfg.Concurrency {
				e.busy++
				e.taken++
				h.mu.Unlock()
				return e, nil
			}
		}
		if len(h.environments) < h.cfg.Environments {
			e, err := start(h.cfg)
			if err == nil {
				e.busy = 1
				h.environments = append(h.environments, e)
				h.processes.Go(func() { <-e.ended })
			}
			h.mu.Unlock()
			return e, err
		}
		turn := make(chan *environment, 1)
		h.waiting = append(h.waiting, turn)
		h.mu.Unlock()
		select {
		case e := <-turn:
			if e != nil {
				return e, nil
			}
		case <-ctx.Done():
			h.leave(turn)
			return nil, ctx.Err()
		}
	}
}

// alive are the environments whose process has not ended.
func alive(all []*environment) (kept []*environment) {
	for _, e := range all {
		select {
		case <-e.ended:
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// free gives a place back: to the one who has waited longest for one.
func (h *Host) free(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pass(e)
}

func (h *Host) pass(e *environment) {
	if len(h.waiting) == 0 {
		e.busy--
		h.expire(e)
		return
	}
	next := h.waiting[0]
	h.waiting = h.waiting[1:]
	if len(alive([]*environment{e})) == 0 {
		next <- nil // it starts another
		return
	}
	next <- e
}

// expire ends an environment that stays without an event for too long.
func (h *Host) expire(e *environment) {
	if e.busy > 0 || h.cfg.Idle <= 0 {
		return
	}
	taken := e.taken
	time.AfterFunc(h.cfg.Idle, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if e.busy == 0 && e.taken == taken {
			h.environments = slices.DeleteFunc(h.environments, func(other *environment) bool { return other == e })
			e.kill()
		}
	})
}

// leave is for one who waits no more; a place that it was given goes to the next.
func (h *Host) leave(turn chan *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = slices.DeleteFunc(h.waiting, func(other chan *environment) bool { return other == turn })
	select {
	case e := <-turn:
		if e != nil {
			h.pass(e)
		}
	default:
	}
}

// Close kills all processes and waits for their end, as Lambda does without a signal. Events
// that are being handled fail.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	all := slices.Clone(h.environments) // expire removes from the slice itself
	h.mu.Unlock()
	for _, e := range all {
		e.kill()
	}
	h.processes.Wait()
}

// Package runtimeapi runs a function's program like AWS Lambda: it delivers events over the runtime
// API (2018-06-01), starts an environment when all are busy, uses the newest one first, and ends
// idle ones. Environments can also handle several events at once, as on Lambda Managed Instances;
// that AWS would run this function so is hypothetical.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/prices"
)

// A Config has a function's settings.
type Config struct {
	// Command makes the command of an environment's process. The variables that the runtime API
	// needs are added to its environment.
	Command func() (*exec.Cmd, error)
	// Concurrency is the number of events that an environment handles at once. If it is more than
	// one, AWS_LAMBDA_MAX_CONCURRENCY is set, which aws-lambda-go supports.
	Concurrency  int
	Environments int           // maximum
	MemoryMB     int           // passed to the function; 0: not passed
	Timeout      time.Duration // for an event, and for a start
	// Idle is how long an environment without an event is kept. 0: until Close. Lambda keeps them
	// for minutes, which is not documented.
	Idle time.Duration
	Log  string // file to which the processes' output is appended
}

// An Invocation is the result of an event.
type Invocation struct {
	Response []byte
	Cold     bool          // it was the first event of its environment
	Start    time.Duration // from the start of the process until it requested an event; only of cold ones
	Waited   time.Duration // for a free environment, or for the start of one
	Took     time.Duration // from the event's delivery to the response
}

// Billed returns what Lambda bills: the time of the event and, since August 2025, of the start,
// rounded up to a millisecond.
func (i Invocation) Billed() time.Duration {
	return prices.Billed(i.Start + i.Took)
}

// A Host runs one function. It is safe for concurrent use and must be closed.
type Host struct {
	cfg Config

	mu           sync.Mutex
	closed       bool
	environments []*environment      // the newest last
	waiting      []chan *environment // callers that wait for a place, oldest first; each with capacity 1
	processes    sync.WaitGroup      // processes that have not ended
}

// New checks the settings. It starts no process yet.
func New(cfg Config) (*Host, error) {
	if cfg.Concurrency < 1 || cfg.Environments < 1 || cfg.Timeout <= 0 {
		return nil, fmt.Errorf("a function needs a concurrency, a number of environments and a timeout, not %d, %d and %v", cfg.Concurrency, cfg.Environments, cfg.Timeout)
	}
	return &Host{cfg: cfg}, nil
}

// ErrEnded reports that a process ended while it had an event, or before it received one.
var ErrEnded = errors.New("the function's process has ended")

// ErrTimeout reports that an event or a start took longer than the function's timeout. The process
// is killed.
var ErrTimeout = errors.New("the function has timed out")

// A FunctionError is the error that a function reports for an event.
type FunctionError struct{ Payload []byte }

func (e *FunctionError) Error() string { return "the function failed: " + string(e.Payload) }

// Invoke sends an event to the function when an environment is free, and returns its response.
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
	delivery := &delivery{event: event, responded: make(chan response, 1)}
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
	case a := <-delivery.responded:
		return i.completed(delivery, a)
	case <-e.ended:
		select { // it may have ended just after its response
		case a := <-delivery.responded:
			return i.completed(delivery, a)
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

func (i Invocation) completed(d *delivery, a response) (Invocation, error) {
	i.Response, i.Took = a.payload, a.at.Sub(d.at())
	if a.failed {
		return i, &FunctionError{a.payload}
	}
	return i, nil
}

// place waits for a place in an environment: in the newest one with a free place, in a new one if
// the maximum allows it, and otherwise in the first that becomes free.
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
			h.stopWaiting(turn)
			return nil, ctx.Err()
		}
	}
}

// alive returns the environments whose process has not ended.
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

// free releases a place and gives it to the caller that has waited longest.
func (h *Host) free(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.giveToNext(e)
}

func (h *Host) giveToNext(e *environment) {
	if len(h.waiting) == 0 {
		e.busy--
		h.expire(e)
		return
	}
	next := h.waiting[0]
	h.waiting = h.waiting[1:]
	if len(alive([]*environment{e})) == 0 {
		next <- nil // the caller starts another environment
		return
	}
	next <- e
}

// expire ends an environment that has been idle for too long.
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

// stopWaiting ends the wait of a caller; a place that it was given already goes to the next caller.
func (h *Host) stopWaiting(turn chan *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = slices.DeleteFunc(h.waiting, func(other chan *environment) bool { return other == turn })
	select {
	case e := <-turn:
		if e != nil {
			h.giveToNext(e)
		}
	default:
	}
}

// Close kills all processes and waits for their end; like Lambda it sends no signal before. Events
// that are being handled fail.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	all := slices.Clone(h.environments) // a copy, because expire changes the slice
	h.mu.Unlock()
	for _, e := range all {
		e.kill()
	}
	h.processes.Wait()
}

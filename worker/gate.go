package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A gate is what every job passes before it is claimed, and leaves when it is
// done: between the two its pixels are decoded, painted and encoded, and a death
// of the process takes it along. A job whose last attempt seems to have killed
// its process enters alone: once nobody is inside, and then nobody else comes in.
//
// All come in in the order in which they came to the gate, so that neither a
// lone job nor the others can be kept waiting for ever. The zero gate is ready.
type gate struct {
	mu      sync.Mutex
	inside  int
	alone   bool // the one inside is there alone
	waiting []*visitor
}

type visitor struct {
	alone bool
	in    chan struct{} // closed when it is inside
}

// enter waits for admission. After an error the caller is outside.
func (g *gate) enter(ctx, stop context.Context, alone bool) error {
	if err := ended(ctx, stop); err != nil {
		return err
	}
	v := &visitor{alone, make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, v)
	g.admit()
	g.mu.Unlock()
	select {
	case <-v.in:
		return nil
	case <-ctx.Done():
	case <-stop.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, v); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	} else { // it came in at the same moment
		g.out()
	}
	g.admit() // those behind it
	return ended(ctx, stop)
}

// stay is called by somebody inside who leaves something behind that is at work:
// it has a leave of its own.
func (g *gate) stay() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside++
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.out()
	g.admit()
}

// out counts one out; g.mu is held.
func (g *gate) out() {
	g.inside--
	g.alone = g.alone && g.inside > 0
}

// admit lets in whoever is next, as far as that goes; g.mu is held.
func (g *gate) admit() {
	for len(g.waiting) > 0 {
		next := g.waiting[0]
		if g.alone || next.alone && g.inside > 0 {
			return
		}
		g.waiting = g.waiting[1:]
		g.inside++
		g.alone = next.alone
		close(next.in)
	}
}

// errStopping: the worker was told to stop, or its time is up, before the job
// could be finished. It says nothing about the job, which is given back.
var errStopping = errors.New("the worker stops")

// ended says why a job may not go on: ctx is its own, stop ends for all jobs that
// are not in the engine yet. nil: it may.
func ended(ctx, stop context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if stop.Err() != nil {
		return fmt.Errorf("%w: not begun", errStopping)
	}
	return nil
}

// acquire takes one of a number of places, first come, first served, unless the
// job may not go on. Receiving from places gives it back.
func acquire(ctx, stop context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return ended(ctx, stop)
	case <-stop.Done():
		return ended(ctx, stop)
	}
	if err := ended(ctx, stop); err != nil { // select takes any that is ready
		<-places
		return err
	}
	return nil
}

package store

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// A pace spreads work over time: calls begin one after the other at a fixed rate, and only a
// limited number are under way at the same time. It is safe for concurrent use.
type pace struct {
	begin  *rate.Limiter
	places chan struct{} // has an element for each call that waits for its time or is under way
}

// newPace returns a pace of perSecond calls a second, with at most atOnce of them under way.
func newPace(perSecond, atOnce int) *pace {
	return &pace{rate.NewLimiter(rate.Limit(perSecond), 1), make(chan struct{}, atOnce)}
}

// do makes a call when its time has come; if p is nil, at once. If ctx ends before that, it returns
// the error of ctx.
func (p *pace) do(ctx context.Context, call func() error) error {
	if p == nil {
		return call()
	}
	// The place comes before the time: calls that wait for places have no time yet, so they don't
	// all begin together when a file server that was stuck replies again.
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.places }()
	// Limiter.Wait returns early with an error of its own if the deadline of ctx is too near.
	wait := time.NewTimer(p.begin.Reserve().Delay())
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return call()
}

package api

import (
	"context"
	"time"
)

// probeAge is how long the result of a check is used again before the next check.
const probeAge = time.Second

// A probe checks whether the store or the queue is available.
type probe struct{ result *cached[struct{}] }

func newProbe(check func() error) *probe {
	return &probe{newCached(probeAge, func() (struct{}, error) { return struct{}{}, check() })}
}

// check returns the result of a check that was made less than probeAge ago, or else of a new one.
// If ctx ends first, it returns ctx's error.
func (p *probe) check(ctx context.Context) error {
	_, err := p.result.get(ctx)
	return err
}

package api

import (
	"context"
	"time"
)

// probeAge is how long the result of a probe is returned before the next check.
const probeAge = time.Second

// A probe checks whether the store or the queue is available.
type probe struct{ result *cached[struct{}] }

func newProbe(check func() error) *probe {
	return &probe{newCached(probeAge, func() (struct{}, error) { return struct{}{}, check() })}
}

// check returns the result of a check that is at most probeAge old. The error is ctx's if that ends
// before there is one.
func (p *probe) check(ctx context.Context) error {
	_, err := p.result.get(ctx)
	return err
}

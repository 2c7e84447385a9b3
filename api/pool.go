package api

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A pool is something scarce, such as memory, that requests hold for a while. It is
// shared fairly among owners: each holds at most a part of what the others leave, so
// that somebody who holds none finds some. It is safe for concurrent use.
type pool struct {
	size   int64
	shares int64 // an owner holds one part-th at most, or the size of one request if that is more

	mu      sync.Mutex
	unused  int64
	held    map[string]int64 // by owners; those who hold nothing are not in it
	waiting []*waiter        // those who wait, in the order in which they came
}

type waiter struct {
	owner   string
	amount  int64
	granted chan struct{} // closed when it holds n
}

// Why a pool has nothing for a request.
var (
	errShareUsed = errors.New("your own requests of this kind take up your share of this server")
	errCrowded   = errors.New("too many ask for this at the moment")
)

func newPool(size, part int64) *pool {
	return &pool{size: size, shares: part, unused: size, held: map[string]int64{}}
}

// try takes n for an owner if that can be had at once. What was taken is to be given
// back by release.
func (p *pool) tryReserve(owner string, n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if waits := slices.ContainsFunc(p.waiting, func(c *waiter) bool { return c.owner == owner }); waits || !p.fits(owner, n) {
		return p.refusal(owner, n)
	}
	p.grant(owner, n)
	return nil
}

// acquire is try, and waits until ctx ends or so long. An owner's requests have their
// turns in the order in which they came; those of others don't wait for them.
func (p *pool) reserve(ctx context.Context, owner string, n int64, patience time.Duration) error {
	if p.tryReserve(owner, n) == nil {
		return nil
	}
	c := &waiter{owner, n, make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, c)
	p.grantWaiting() // there may be room since
	p.mu.Unlock()
	over := time.NewTimer(patience)
	defer over.Stop()
	var err error
	select {
	case <-c.granted:
		return nil
	case <-over.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, c)
	switch {
	case i < 0 && err == nil: // it was granted in this instant
		return nil
	case i < 0:
		p.takeBack(owner, n)
	default:
		if err == nil {
			err = p.refusal(owner, n)
		}
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.grantWaiting() // who waited behind it
	return err
}

// release gives back what an owner holds.
func (p *pool) release(owner string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takeBack(owner, n)
	p.grantWaiting()
}

// used is how much is held.
func (p *pool) used() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size - p.unused
}

// The others want p.mu to be held.

func (p *pool) grant(owner string, n int64) {
	p.unused -= n
	p.held[owner] += n
}

func (p *pool) takeBack(owner string, n int64) {
	p.unused += n
	if p.held[owner] -= n; p.held[owner] == 0 {
		delete(p.held, owner)
	}
}

// serve lets everybody have their turn for whom there is room.
func (p *pool) grantWaiting() {
	if len(p.waiting) == 0 {
		return
	}
	blocked := map[string]bool{}
	p.waiting = slices.DeleteFunc(p.waiting, func(c *waiter) bool {
		if blocked[c.owner] || !p.fits(c.owner, c.amount) {
			blocked[c.owner] = true
			return false
		}
		p.grant(c.owner, c.amount)
		close(c.granted)
		return true
	})
}

func (p *pool) fits(owner string, n int64) bool { return n <= p.unused && !p.exceedsShare(owner, n) }

// exceeds says whether n more would be more than an owner's part.
func (p *pool) exceedsShare(owner string, n int64) bool {
	held := p.held[owner]
	return held > 0 && (held+n)*p.shares > p.unused+held
}

func (p *pool) refusal(owner string, n int64) error {
	if p.exceedsShare(owner, n) || n <= p.unused { // or its owner's others are first
		return errShareUsed
	}
	return errCrowded
}

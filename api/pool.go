package api

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A pool is a limited resource, such as memory, of which requests reserve amounts. It is shared
// fairly among owners: each owner holds at most a part of what the other owners don't hold, so that
// something is left for an owner that holds nothing. It is safe for concurrent use.
type pool struct {
	size   int64
	shares int64 // an owner holds at most 1/shares of what the others leave, or one request if that is larger

	mu      sync.Mutex
	unused  int64
	held    map[string]int64 // by owner, only those who hold something
	waiting []*waiter        // in order of arrival
}

type waiter struct {
	owner   string
	amount  int64
	granted chan struct{} // closed when the amount is reserved
}

// The errors of a reservation.
var (
	errShareUsed = errors.New("your other requests of this kind use up your share of this server")
	errCrowded   = errors.New("the server is busy with too many requests of this kind")
)

func newPool(size, shares int64) *pool {
	return &pool{size: size, shares: shares, unused: size, held: map[string]int64{}}
}

// tryReserve reserves an amount for an owner if it is available at once, and otherwise returns an
// error. The caller must release it.
func (p *pool) tryReserve(owner string, n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if waits := slices.ContainsFunc(p.waiting, func(w *waiter) bool { return w.owner == owner }); waits || !p.fits(owner, n) {
		return p.refusal(owner, n)
	}
	p.grant(owner, n)
	return nil
}

// reserve is like tryReserve, but waits for the amount until ctx ends or the timeout has passed. An
// owner's requests are served in the order of their arrival. Those of other owners don't wait for
// them.
func (p *pool) reserve(ctx context.Context, owner string, n int64, timeout time.Duration) error {
	if p.tryReserve(owner, n) == nil {
		return nil
	}
	w := &waiter{owner, n, make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.grantWaiting() // an amount may have been released in between
	p.mu.Unlock()
	expired := time.NewTimer(timeout)
	defer expired.Stop()
	var err error
	select {
	case <-w.granted:
		return nil
	case <-expired.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, w)
	switch {
	case i < 0 && err == nil: // granted at the moment of the timeout
		return nil
	case i < 0:
		p.takeBack(owner, n)
	default:
		if err == nil {
			err = p.refusal(owner, n)
		}
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.grantWaiting() // those that waited behind it
	return err
}

// release returns an amount that an owner holds.
func (p *pool) release(owner string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takeBack(owner, n)
	p.grantWaiting()
}

// used returns the amount that is held.
func (p *pool) used() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size - p.unused
}

// The caller of the methods below holds p.mu.

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

// grantWaiting reserves what waiting requests ask for, in their order, as long as enough is left.
// It skips a request if an earlier one of the same owner still waits.
func (p *pool) grantWaiting() {
	if len(p.waiting) == 0 {
		return
	}
	blocked := map[string]bool{}
	p.waiting = slices.DeleteFunc(p.waiting, func(w *waiter) bool {
		if blocked[w.owner] || !p.fits(w.owner, w.amount) {
			blocked[w.owner] = true
			return false
		}
		p.grant(w.owner, w.amount)
		close(w.granted)
		return true
	})
}

func (p *pool) fits(owner string, n int64) bool { return n <= p.unused && !p.exceedsShare(owner, n) }

// exceedsShare reports whether an owner would hold more than its share if it got n more.
func (p *pool) exceedsShare(owner string, n int64) bool {
	held := p.held[owner]
	return held > 0 && (held+n)*p.shares > p.unused+held
}

func (p *pool) refusal(owner string, n int64) error {
	if p.exceedsShare(owner, n) || n <= p.unused { // or earlier requests of the owner wait
		return errShareUsed
	}
	return errCrowded
}

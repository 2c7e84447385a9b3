// Package pool limits how many items of a kind are in use, and keeps them for reuse. The items are
// created on demand.
package pool

import "sync"

// A Pool keeps items for reuse, at most n of which are in use at the same time. The item that was
// released last is used first. So calls that do not overlap share one item, and no others are
// created.
type Pool[T any] struct {
	places chan struct{} // holds an element for each item in use
	mu     sync.Mutex
	idle   []T
}

// New returns a pool that allows n items in use at the same time.
func New[T any](n int) *Pool[T] { return &Pool[T]{places: make(chan struct{}, n)} }

// Acquire waits until fewer than n items are in use, and returns an idle one. If there is none, ok
// is false, and the caller creates an item. In both cases the caller later calls Release with the
// item, or destroys it and calls Discard.
func (p *Pool[T]) Acquire() (item T, ok bool) {
	p.places <- struct{}{}
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		item, ok = p.idle[last], true
		clear(p.idle[last:])
		p.idle = p.idle[:last]
	}
	return item, ok
}

// Release returns an item to the pool. If keep is not nil, it is called with the items that are
// idle, and if it returns false, Release does nothing and returns false: then the caller destroys
// the item and calls Discard.
func (p *Pool[T]) Release(item T, keep func(idle []T) bool) (kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if keep != nil && !keep(p.idle) {
		return false
	}
	p.idle = append(p.idle, item)
	<-p.places
	return true
}

// Discard is called in place of Release, for an item that was destroyed.
func (p *Pool[T]) Discard() { <-p.places }

// Idle removes all idle items from the pool and returns them; the caller destroys them.
func (p *Pool[T]) Idle() []T {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle
	p.idle = nil
	return idle
}

// Close waits until all items are released, and removes and returns the idle ones. After that,
// Acquire blocks forever.
func (p *Pool[T]) Close() []T {
	for range cap(p.places) {
		p.places <- struct{}{}
	}
	return p.Idle()
}

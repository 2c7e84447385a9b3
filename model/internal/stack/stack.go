// Package stack is a pool of a fixed number of things, which are made when they are needed.
package stack

import "sync"

// A Stack keeps things for the next use. At most n of them can be taken at once, the one
// put back last first, so that pictures painted one after another use one of them and leave
// the others unmade.
type Stack[T any] struct {
	places chan struct{}
	mu     sync.Mutex
	idle   []T
}

// New returns a stack from which n things can be taken at once.
func New[T any](n int) *Stack[T] { return &Stack[T]{places: make(chan struct{}, n)} }

// Take waits for one of the n places. ok is false where nothing is idle: the caller
// makes a thing, and puts that back, or calls Leave.
func (s *Stack[T]) Take() (thing T, ok bool) {
	s.places <- struct{}{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.idle) - 1; last >= 0 {
		thing, ok = s.idle[last], true
		clear(s.idle[last:])
		s.idle = s.idle[:last]
	}
	return thing, ok
}

// Put puts a thing back. Where keep is given and, told of those that are idle, says no,
// Put does nothing: the caller gets rid of the thing, and calls Leave.
func (s *Stack[T]) Put(thing T, keep func(idle []T) bool) (kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if keep != nil && !keep(s.idle) {
		return false
	}
	s.idle = append(s.idle, thing)
	<-s.places
	return true
}

// Leave frees a place whose thing is gone.
func (s *Stack[T]) Leave() { <-s.places }

// Idle takes all that is idle and no place with it: the caller gets rid of it.
func (s *Stack[T]) Idle() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.idle
	s.idle = nil
	return idle
}

// Close waits until all that was taken is back, and then does as Idle. Nothing can be taken
// any more.
func (s *Stack[T]) Close() []T {
	for range cap(s.places) {
		s.places <- struct{}{}
	}
	return s.Idle()
}

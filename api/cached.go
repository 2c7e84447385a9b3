package api

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// failureAge is how long a failed result is returned before the next attempt.
const failureAge = time.Second

// A cached value is fetched by a function that may be slow, or may never return: a system call on a
// mount whose server is gone can't be interrupted. At most one call of the function runs at a time,
// however many callers wait for its result. A value is returned again until it is older than a
// given age, an error until it is older than failureAge. It is safe for concurrent use.
type cached[T any] struct {
	fetch func() (T, error)
	age   time.Duration

	calls singleflight.Group
	last  atomic.Pointer[outcome[T]] // nil before the first call has returned
}

type outcome[T any] struct {
	value T
	err   error
	until time.Time // when it is too old
}

func newCached[T any](age time.Duration, fetch func() (T, error)) *cached[T] {
	return &cached[T]{fetch: fetch, age: age}
}

// get returns the last result or, if that is too old, the result of a call. If ctx ends first, the
// error is ctx's, and the call goes on.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	if last := c.fresh(); last != nil {
		return last.value, last.err
	}
	// The call goes on after ctx has ended. Nothing waits for its end.
	call := c.calls.DoChan("", func() (any, error) {
		if last := c.fresh(); last != nil { // of a call that returned a moment ago
			return last, nil
		}
		o := &outcome[T]{}
		o.value, o.err = c.fetch()
		age := c.age
		if o.err != nil {
			age = failureAge
		}
		o.until = time.Now().Add(age)
		c.last.Store(o)
		return o, nil
	})
	select {
	case result := <-call:
		o := result.Val.(*outcome[T])
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("no result: %w", ctx.Err())
	}
}

func (c *cached[T]) fresh() *outcome[T] {
	if last := c.last.Load(); last != nil && time.Now().Before(last.until) {
		return last
	}
	return nil
}

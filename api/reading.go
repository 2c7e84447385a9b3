package api

import (
	"context"
	"sync"
	"time"
)

// readingAge is how long a reading is good for: asking costs, and several may
// ask every few seconds.
const readingAge = 5 * time.Second

// A reading is a value that takes a while to find out, and perhaps for ever.
type reading[T any] struct {
	probe *probe

	mu    sync.Mutex
	value T
	at    time.Time // of the value; zero where it could not be found out
}

func newReading[T any](find func() (T, error)) *reading[T] {
	r := &reading[T]{}
	r.probe = newProbe(func() error {
		v, err := find()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.value, r.at = v, time.Now()
		if err != nil {
			r.at = time.Time{}
		}
		return err
	})
	return r
}

// get answers the value, if it was found out lately or can be before ctx ends.
func (r *reading[T]) get(ctx context.Context) (T, bool) {
	if v, ok := r.fresh(); ok {
		return v, true
	}
	_ = r.probe.ask(ctx) // then it is not fresh
	return r.fresh()
}

func (r *reading[T]) fresh() (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value, time.Since(r.at) < readingAge
}

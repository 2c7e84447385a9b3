package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A backoff is shared by those who work on one batch: where the API asks one of
// them to come back later, all do. It is bounded by --timeout alone, unless
// the API has never been heard of.
type backoff struct {
	limit  time.Duration // --timeout; 0 is none
	outage *outage
	screen *screen

	answered atomic.Bool
	mu       sync.Mutex
	until    time.Time
}

// patiently calls f until it succeeds, or fails for another reason than that the
// API is busy or away.
func patiently[T any](ctx context.Context, b *backoff, f func() (T, error)) (T, error) {
	noted := false
	defer func() {
		if noted {
			b.outage.leave()
		}
	}()
	for failures := 1; ; failures++ {
		if err := b.wait(ctx); err != nil {
			return *new(T), err
		}
		v, err := f()
		answer := (*refusal)(nil)
		if err == nil || errors.As(err, &answer) {
			b.answered.Store(true)
		}
		if err == nil || !passing(err) || ctx.Err() != nil {
			if noted && err == nil {
				noted = false
				b.outage.over(b.screen)
			}
			return v, err
		}
		delay := pause(err, failures)
		if answer != nil && answer.retryAfter > 0 {
			delay = pause(err, 1) // the others' turns are no reason to come later than asked
		}
		if !b.answered.Load() && failures >= triesNetwork || b.limit > 0 && delay > b.limit {
			return v, err
		}
		// A limit on submissions is nothing to be told of: it is all in a batch's day.
		if b.answered.Load() && !noted && (answer == nil || answer.status != http.StatusTooManyRequests) {
			noted = true
			b.outage.enter(b.screen, err)
		}
		b.hold(delay)
	}
}

func (b *backoff) hold(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if end := time.Now().Add(d); end.After(b.until) {
		b.until = end
	}
}

func (b *backoff) wait(ctx context.Context) error {
	for {
		b.mu.Lock()
		left := time.Until(b.until)
		b.mu.Unlock()
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, left); err != nil {
			return err
		}
	}
}

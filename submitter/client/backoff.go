package main

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// What is tried again, how often and how soon.
const (
	triesNetwork = 3 // perhaps it is just being restarted
	triesBusy    = 6 // it answers that it is
	firstDelay   = 300 * time.Millisecond
	longestDelay = 5 * time.Second
)

// passing: whatever is safe to ask for twice may well succeed the next time. An
// error of the API's own (500) would rather come again, and is not worth sending
// a picture for.
func passing(err error) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return errors.Is(err, errAway) && !errors.Is(err, errDamaged)
	}
	switch r.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// transient: what is only read may be tried again, and so may a batch.
func transient(err error) bool { return errors.Is(err, errAway) }

// retrying calls f until it succeeds, fails for another reason than again
// accepts, or has failed too often. notify, where there is one, hears of each
// failure that is not the last.
func retrying[T any](ctx context.Context, f func() (T, error), again func(error) bool, notify func(error, time.Duration)) (T, error) {
	for try := 1; ; try++ {
		v, err := f()
		tries, answered := triesNetwork, (*refusal)(nil)
		if errors.As(err, &answered) {
			tries = triesBusy
		}
		if err == nil || !again(err) || try >= tries || stopped(ctx) != nil {
			return v, err
		}
		delay := pause(err, try)
		if end, ok := ctx.Deadline(); ok && time.Until(end) < delay {
			return v, err // it says more than that the time was over
		}
		if notify != nil {
			notify(err, delay)
		}
		if err := sleep(ctx, delay); err != nil {
			return v, err
		}
	}
}

// pause is how long to leave the API alone after the given number of failures:
// at least as long as it has asked for.
func pause(err error, failures int) time.Duration {
	delay := min(firstDelay<<min(failures-1, 10), longestDelay)
	var r *refusal
	if errors.As(err, &r) {
		delay = max(delay, r.retryAfter)
	}
	// Jitter only ever adds, so that Retry-After is honoured.
	return delay + rand.N(delay/4+1)
}

// sleep waits for d, or for the end of ctx, and says why that came.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return cmp.Or(stopped(ctx), ctx.Err())
	}
}

package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// How often and after which time a request is repeated. No library for back-off does this: the
// number of tries depends on the error, jitter must not make the wait shorter than Retry-After, and
// all goroutines of a batch share one delay.
const (
	MaxTries     = 3 // of a request that gets no response: the API may be restarting
	maxBusyTries = 6 // of a request to which the API responds that it is busy

	firstDelay   = 300 * time.Millisecond
	longestDelay = 5 * time.Second
)

// Delay returns how long to wait before a request is repeated. It has failed this many times in a
// row (1 or more), the last time with err. The delay is 0.3 s after the first failure, doubles with
// each one, up to 5 s, is at least what the API has asked for, and up to a quarter longer at
// random.
func Delay(err error, failures int) time.Duration {
	delay := min(firstDelay<<min(failures-1, 10), longestDelay)
	if s, ok := errors.AsType[*StatusError](err); ok {
		delay = max(delay, s.RetryAfter)
	}
	return delay + rand.N(delay/4+1)
}

// Sleep waits for d and returns nil. If ctx ends before, it returns ctx's cause.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Temporary reports whether a request that has failed with err may succeed later. An error inside
// the API (500) and a malformed response are not temporary: they would probably occur again, and
// are not worth sending a picture again.
func Temporary(err error) bool {
	s, ok := errors.AsType[*StatusError](err)
	if !ok {
		return errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrMalformed)
	}
	switch s.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Unavailable reports whether err is an [ErrUnavailable]. A request that only reads may then be
// repeated.
func Unavailable(err error) bool { return errors.Is(err, ErrUnavailable) }

// Retry calls f until it succeeds, fails with an error for which retryable returns false, or has
// failed 3 times (6 times if the API responds that it is busy). If ctx's deadline is before the
// next call, Retry returns f's error at once. Unless notify is nil, it is called before each
// further call of f, with the error and the time until then.
func Retry[T any](ctx context.Context, f func() (T, error), retryable func(error) bool, notify func(error, time.Duration)) (T, error) {
	for try := 1; ; try++ {
		v, err := f()
		tries := MaxTries
		if _, ok := errors.AsType[*StatusError](err); ok {
			tries = maxBusyTries
		}
		if err == nil || !retryable(err) || try >= tries || callerEnded(ctx) != nil {
			return v, err
		}
		delay := Delay(err, try)
		if end, ok := ctx.Deadline(); ok && time.Until(end) < delay {
			return v, err // it says more than that the time is over
		}
		if notify != nil {
			notify(err, delay)
		}
		if err := Sleep(ctx, delay); err != nil {
			return v, err
		}
	}
}

// longestRetryAfter is the longest time that a client waits because of a Retry-After. A longer one
// is treated as this one.
const longestRetryAfter = time.Hour

// retryAfter returns the time of a Retry-After header, in either of its forms, from 0 to
// longestRetryAfter. It returns 0 if the header is missing, invalid, or in the past.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(s, 0), int(longestRetryAfter/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(t), 0), longestRetryAfter)
	}
	return 0
}

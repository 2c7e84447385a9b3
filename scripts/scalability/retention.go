//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A retained is the result of the retention while jobs were submitted.
type retained struct {
	removed     int           // how many jobs
	took        time.Duration // how long the retention ran
	alone, both latencies     // of submissions without and with the retention at the same time
}

func (r retained) perSecond() float64 { return float64(r.removed) / r.took.Seconds() }

// latencies are those of requests, each from the time at which it was due.
type latencies []time.Duration

// percentile returns a latency that p percent of the requests did not exceed; 0 if there are none.
func (l latencies) percentile(p int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// retain submits jobs at a rate, in windows of time. In every second window the retention removes expired jobs at its
// own pace. retain returns when all are removed, or after the given number of pairs of windows. A job of the last day
// costs one call more than an older one, for its name in the index of its owner's daily quota.
func (t *target) retain(ctx context.Context, rate float64, window time.Duration, windows int, show func(string)) (r retained, err error) {
	t.Spent = true
	if err := t.save(); err != nil {
		return r, err
	}
	if _, err := t.load(ctx, rate, max(window/2, time.Duration(float64(2*t.Owners)/rate*float64(time.Second)))); err != nil {
		return r, err // a warm-up: each owner's first submission counts the owner's jobs
	}
	after, done := "", false
	for n := 0; n < windows && !done; n++ {
		show(fmt.Sprintf("window %d of %d: %d jobs were removed", n+1, windows, r.removed))
		l, err := t.load(ctx, rate, window)
		if err != nil {
			return r, err
		}
		r.alone = append(r.alone, l...)
		loading, stop := context.WithCancel(ctx)
		var expiring sync.WaitGroup
		var failed error
		expiring.Go(func() {
			began := time.Now()
			p, err := t.store.Expire(loading, time.Now(), after)
			after, done = p.After, p.Done
			r.removed, r.took = r.removed+p.Count, r.took+time.Since(began)
			if err != nil && !errors.Is(err, context.Canceled) {
				failed = err
			}
		})
		expired := make(chan struct{})
		go func() { expiring.Wait(); close(expired) }()
		l, err = t.loadUntil(ctx, rate, window, expired)
		stop()
		<-expired
		if err = errors.Join(err, failed); err != nil {
			return r, err
		}
		r.both = append(r.both, l...)
	}
	return r, nil
}

// load submits jobs at a rate for some time, for all owners in turn, and returns the latencies.
func (t *target) load(ctx context.Context, rate float64, during time.Duration) (latencies, error) {
	return t.loadUntil(ctx, rate, during, nil)
}

// loadUntil is load that ends when over is closed, or after the time.
func (t *target) loadUntil(ctx context.Context, rate float64, during time.Duration, over <-chan struct{}) (latencies, error) {
	var mu sync.Mutex
	var all latencies
	var errs []error
	var submitting sync.WaitGroup
	began := time.Now()
	for n := range int(rate * during.Seconds()) {
		due := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if pause(ctx, time.Until(due)) != nil || closed(over) {
			break
		}
		submitting.Go(func() {
			_, err := t.client.submit(ctx, n%t.Owners, "")
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, took); err != nil && len(errs) < 3 {
				errs = append(errs, err)
			}
		})
	}
	submitting.Wait()
	return all, errors.Join(append(errs, ctx.Err())...)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

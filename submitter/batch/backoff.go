package batch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/submitter/client"
)

// A backoff delays the requests of all goroutines of a batch together: if the API asks one of them
// to come back later, all wait. Once the API has responded, requests are repeated without a limit,
// until the caller's context ends.
type backoff struct {
	limit  time.Duration // the longest delay that is waited for; 0 for any
	outage *client.Outage

	responded atomic.Bool // the API has responded to this batch
	mu        sync.Mutex
	until     time.Time
}

// persist calls f again until it succeeds, or fails with an error that is not [client.Temporary].
func persist[T any](ctx context.Context, b *backoff, f func() (T, error)) (T, error) {
	reported := false
	defer func() {
		if reported {
			b.outage.Abandon()
		}
	}()
	for failures := 1; ; failures++ {
		if err := b.wait(ctx); err != nil {
			return *new(T), err
		}
		v, err := f()
		status := (*client.StatusError)(nil)
		if err == nil || errors.As(err, &status) {
			b.responded.Store(true)
		}
		if err == nil || !client.Temporary(err) || ctx.Err() != nil {
			if reported && err == nil {
				reported = false
				b.outage.End()
			}
			return v, err
		}
		delay := client.Delay(err, failures)
		if status != nil && status.RetryAfter > 0 {
			delay = client.Delay(err, 1) // after many failures too, no later than the API asks for
		}
		if !b.responded.Load() && failures >= client.MaxTries || b.limit > 0 && delay > b.limit {
			return v, err
		}
		// A batch exceeds the limit on submissions as a rule, so this is not reported as an outage.
		if b.responded.Load() && !reported && (status == nil || status.Status != http.StatusTooManyRequests) {
			reported = true
			b.outage.Begin(err)
		}
		b.hold(delay)
	}
}

// hold delays all goroutines until d from now, unless they are delayed for longer already.
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
		if err := client.Sleep(ctx, left); err != nil {
			return err
		}
	}
}

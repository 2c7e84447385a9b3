package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pacedRun is the result of calls that were made with a pace.
type pacedRun struct {
	mu         sync.Mutex
	began      []time.Duration // since the start
	refused    int             // calls that were not made because ctx ended
	busy, most int             // calls under way
}

// paced asks for n calls at the same time. Each call takes the given time.
func paced(ctx context.Context, t *testing.T, p *pace, n int, takes time.Duration) *pacedRun {
	t.Helper()
	start, r := time.Now(), &pacedRun{}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			err := p.do(ctx, func() error {
				r.mu.Lock()
				r.began = append(r.began, time.Since(start))
				r.busy++
				r.most = max(r.most, r.busy)
				r.mu.Unlock()
				time.Sleep(takes)
				r.mu.Lock()
				r.busy--
				r.mu.Unlock()
				return nil
			})
			r.mu.Lock()
			defer r.mu.Unlock()
			if err != nil {
				r.refused++
			}
			if err != nil && !errors.Is(err, ctx.Err()) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(r.began)
	return r
}

// shortestGap returns the shortest time between the beginnings of two calls.
func (r *pacedRun) shortestGap() time.Duration {
	shortest := time.Hour
	for i, at := range r.began[1:] {
		shortest = min(shortest, at-r.began[i])
	}
	return shortest
}

func TestPace(t *testing.T) {
	const gap = 10 * time.Millisecond // of 100 calls a second
	for _, c := range []struct {
		name  string
		takes time.Duration
		most  int
		last  time.Duration // when the last of 100 calls begins
	}{
		{"calls begin one after the other at the rate", 0, 1, 99 * gap},
		{"slow calls overlap and don't lower the rate", 55 * time.Millisecond, 6, 99 * gap},
		{"only so many are under way, and those that waited don't begin together", time.Second, 10, 9*time.Second + 9*gap},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := paced(t.Context(), t, newPace(100, 10), 100, c.takes)
				if last := r.began[99]; last.Round(time.Millisecond) != c.last || r.most != c.most || r.shortestGap() < gap-time.Microsecond {
					t.Errorf("the last call began after %v, %d were under way, and two began within %v; want %v, %d and %v", last, r.most, r.shortestGap(), c.last, c.most, gap)
				}
			})
		})
	}
	t.Run("time without calls is not made up for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(100, 10)
			paced(t.Context(), t, p, 5, 0)
			time.Sleep(time.Minute)
			if r := paced(t.Context(), t, p, 5, 0); r.shortestGap() < gap-time.Microsecond {
				t.Errorf("they began after %v", r.began)
			}
		})
	})
	t.Run("none begins after the end of the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*gap+gap/2)
			defer cancel()
			start := time.Now()
			r := paced(ctx, t, newPace(100, 20), 100, 0)
			if took := time.Since(start); len(r.began) != 11 || r.refused != 89 || took > 11*gap {
				t.Errorf("%d calls were made and %d refused, after %v", len(r.began), r.refused, took)
			}
		})
	})
}

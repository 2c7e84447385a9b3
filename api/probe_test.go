package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A check that hangs runs once, all callers return in time, and after it has returned there is a
// new one.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		hang, away := make(chan struct{}), errors.New("away")
		p := newProbe(func() error {
			asked.Add(1)
			<-hang
			return away
		})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), readyTimeout)
				defer cancel()
				began := time.Now()
				if err := p.check(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != readyTimeout {
					t.Errorf("while it hangs: %v after %v", err, time.Since(began))
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		close(hang)
		synctest.Wait()
		for ago := range 3 { // counted in half of the time for which an answer counts
			if err := p.check(t.Context()); !errors.Is(err, away) || asked.Load() != int32(1+ago/2) {
				t.Errorf("when it is back: %v, asked %d times in all, want %v and %d", err, asked.Load(), away, 1+ago/2)
			}
			time.Sleep(probeAge / 2)
		}
	})
}

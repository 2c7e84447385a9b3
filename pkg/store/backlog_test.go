package store

import (
	"errors"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// However slowly a backlog shrinks, Retry-After is from 1 to 15 minutes.
func TestRetryAfterOfSlowBacklog(t *testing.T) {
	for perSecond, want := range map[float64]time.Duration{-1: maxAfter, 0: maxAfter, 1e-15: maxAfter, 0.02: 500 * time.Second, 1e6: time.Minute} {
		sc := newScene(t)
		a := sc.withQuotas(Quotas{Backlog: 10})
		if err := sc.SetBacklog(Backlog{At: time.Now(), Unfinished: 19, PerSecond: perSecond}); err != nil {
			t.Fatal(err)
		}
		var b *BacklogError
		if err := a.Admits("anna", ""); !errors.As(err, &b) || !errors.Is(err, job.ErrBacklog) || b.After != want {
			t.Errorf("%g jobs a second: %v, %+v; want %v", perSecond, err, b, want)
		}
	}
}

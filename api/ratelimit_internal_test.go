package api

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Idle owners are removed, and no others.
func TestLimiterRemovesIdleOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		for range 2 * burstSeconds {
			_ = l.allow("busy")
		}
		for i := range 10 * manyOwners {
			if err := l.allow(fmt.Sprint("owner ", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			if i%50 == 0 {
				if first, second := l.allow("busy"), l.allow("busy"); first == nil && second == nil {
					t.Fatal("an owner who is not idle was removed")
				}
			}
		}
		if n := len(l.owners); n > 2*manyOwners {
			t.Errorf("%d owners are remembered", n)
		}
	})
}

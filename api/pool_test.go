package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fill reserves one after another until the pool refuses.
func (p *pool) fill(owner string) (n int) {
	for p.tryReserve(owner, 1) == nil {
		n++
	}
	return n
}

// However many owners reserve as much as they can, some is left for another.
func TestPoolIsShared(t *testing.T) {
	for _, tt := range []struct {
		size, part int64
		want       []int // of owners who come one after the other
	}{
		{64, 4, []int{16, 12, 9, 6, 5, 4, 3, 2}},
		{64, 2, []int{32, 16, 8, 4, 2, 1, 1, 0}},
		{4, 2, []int{2, 1, 1, 0}},
		{4, 1, []int{4, 0}}, // a single owner may have all
	} {
		p := newPool(tt.size, tt.part)
		for i, want := range tt.want {
			if got := p.fill(fmt.Sprint("owner ", i)); got != want {
				t.Errorf("%d in %d parts: owner %d got %d, want %d", tt.size, tt.part, i, got, want)
			}
		}
	}
	p := newPool(100, 2)
	if err := p.tryReserve("anna", 90); err != nil { // one request may exceed the part
		t.Error(err)
	}
	if err := p.tryReserve("anna", 1); !errors.Is(err, errShareUsed) {
		t.Errorf("over her part: %v", err)
	}
	if err := p.tryReserve("berta", 11); !errors.Is(err, errCrowded) {
		t.Errorf("more than there is: %v", err)
	}
	if err := p.tryReserve("berta", 10); err != nil {
		t.Error(err)
	}
}

// Waiting requests are served in the order of their owner's requests, and independently of other
// owners'; after the timeout the error names the reason.
func TestPoolWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(8, 2)
		if err := p.tryReserve("anna", 4); err != nil {
			t.Fatal(err)
		}
		wait := func(ctx context.Context, owner string, n int64) <-chan error {
			done := make(chan error, 1)
			go func() { done <- p.reserve(ctx, owner, n, time.Second) }()
			synctest.Wait()
			return done
		}
		waiting := func(c <-chan error) bool {
			select {
			case <-c:
				return false
			default:
				return true
			}
		}
		large, small := wait(t.Context(), "anna", 4), wait(t.Context(), "anna", 1)
		if err := <-wait(t.Context(), "berta", 3); err != nil {
			t.Errorf("another owner: %v", err)
		}
		if !waiting(large) || !waiting(small) {
			t.Error("more than a part was granted")
		}
		if err := p.tryReserve("anna", 1); !errors.Is(err, errShareUsed) {
			t.Errorf("past those who wait: %v", err)
		}
		p.release("anna", 4)
		synctest.Wait()
		if waiting(large) || !waiting(small) {
			t.Error("the first in the queue was not the first")
		}
		crowded := wait(t.Context(), "carla", 2)
		ctx, hangUp := context.WithCancel(t.Context())
		gone := wait(ctx, "anna", 1)
		hangUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the client hung up: %v", err)
		}
		if err := <-small; !errors.Is(err, errShareUsed) {
			t.Errorf("her own part: %v", err)
		}
		if err := <-crowded; !errors.Is(err, errCrowded) {
			t.Errorf("the rest: %v", err)
		}
		p.release("anna", 4)
		p.release("berta", 3)
		if p.used() != 0 || len(p.held) != 0 || len(p.waiting) != 0 {
			t.Errorf("left: %+v", p)
		}
	})
}

// A request that is granted an amount at the moment of its timeout keeps or returns it; nothing is
// lost or counted twice.
func TestPoolUnderLoad(t *testing.T) {
	p := newPool(10, 3)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			owner, dice := fmt.Sprint(i%5), rand.New(rand.NewPCG(1, uint64(i)))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(dice.IntN(200))*time.Microsecond)
				n := 1 + dice.Int64N(4)
				if p.reserve(ctx, owner, n, time.Duration(dice.IntN(200))*time.Microsecond) == nil {
					if used := p.used(); used < n || used > 10 {
						t.Errorf("%d of 10 are used", used)
					}
					p.release(owner, n)
				}
				cancel()
			}
		})
	}
	all.Wait()
	if p.unused != 10 || len(p.held) != 0 || len(p.waiting) != 0 {
		t.Errorf("left: %+v", p)
	}
}

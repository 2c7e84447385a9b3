package sweeper

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// many is how many jobs, or a folder's where that has more, a sweep looks at before it notes how far it has come. A
// folder may have one job, or thousands.
const many = 1000

// half has half of the time that ctx has left, so that there is time for what follows from the first.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// A placed entry is one in a folder.
type placed struct {
	store.Entry
	in string
}

// lookAt looks at the jobs in folders, in their order, and at no further folders after so many jobs; 0 is no limit. It
// returns how many of the folders were done when ctx ended or the store was away. It passes over those that this round has looked at.
func (s *Sweeper) lookAt(ctx context.Context, folders []store.ActiveFolder, limit int, now time.Time, r *round) (done int) {
	seen := 0
	for some := range slices.Chunk(folders, atOnce) {
		lists := s.listNew(ctx, some, r)
		var entries []placed
		first := 0 // of the folders that they are in
		for i, f := range some {
			if entries = append(entries, lists[f.Position()]...); len(entries) < many && i < len(some)-1 {
				continue
			}
			if !s.lookAtAll(ctx, some[first:i+1], entries, now, r) {
				return done
			}
			done += i + 1 - first
			if seen += len(entries); limit > 0 && seen >= limit {
				return done
			}
			entries, first = entries[:0], i+1
		}
	}
	return done
}

// listNew lists folders that the round has not looked at yet, until ctx ends: entries by folder.
func (s *Sweeper) listNew(ctx context.Context, folders []store.ActiveFolder, r *round) map[string][]placed {
	lists := map[string][]placed{}
	each(ctx, folders, func(f store.ActiveFolder) {
		in := f.Position()
		if _, looked := r.counted[in]; looked {
			return
		}
		entries, err := s.Store.ActiveIn(f)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs.add(err)
		for _, e := range entries {
			lists[in] = append(lists[in], placed{e, in})
		}
	})
	return lists
}

// lookAtAll looks at all entries of some folders, and reports whether that was done when ctx ended or the
// store was away.
func (s *Sweeper) lookAtAll(ctx context.Context, in []store.ActiveFolder, entries []placed, now time.Time, r *round) bool {
	var mu sync.Mutex
	counted := map[string]count{}
	each(ctx, entries, func(e placed) {
		n := s.checkup(e.Entry, now, r)
		mu.Lock()
		defer mu.Unlock()
		counted[e.in] = counted[e.in].plus(n)
	})
	if ctx.Err() != nil || r.errs.away {
		return false
	}
	for _, f := range in {
		if _, looked := r.counted[f.Position()]; !looked {
			r.counted[f.Position()] = counted[f.Position()]
		}
	}
	return true
}

// each calls do with items, some at the same time, until ctx ends.
func each[T any](ctx context.Context, items []T, do func(T)) {
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		all.Go(func() { defer func() { <-slots }(); do(item) })
	}
	all.Wait()
}

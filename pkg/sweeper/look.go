package sweeper

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

const (
	// listed is how many folders a sweep lists before it looks at their jobs, and many how many jobs it looks at
	// before it waits for the last of them: folders may have one job each, or thousands.
	listed = 16
	many   = 1000
)

// half has half of the time that ctx has left, so that there is time for what follows from the first.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// lookAt looks at the jobs in folders, oldest first, and at no more than a limit; 0 is none. It calls done with a
// folder when it has looked at all that are in it and in those before it. It returns an error only when ctx ends:
// folders that can't be listed are left out, and it is r that has their errors.
func (s *Sweeper) lookAt(ctx context.Context, folders []store.ActiveFolder, limit int, now time.Time, r *round, done func(store.ActiveFolder)) error {
	var entries []store.Entry
	look := func(last store.ActiveFolder) error {
		each(ctx, entries, func(e store.Entry) { s.checkup(e, now, r) })
		entries = entries[:0]
		if ctx.Err() == nil {
			done(last)
		}
		return ctx.Err()
	}
	for some := range slices.Chunk(folders, listed) {
		lists, err := s.Store.ActiveIn(some)
		r.add(err)
		for i, list := range lists {
			entries = append(entries, list...)
			if limit > 0 && len(entries) >= limit {
				entries = entries[:limit]
				return look(some[i])
			}
			if limit == 0 && len(entries) >= many {
				if err := look(some[i]); err != nil {
					return err
				}
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if len(folders) == 0 {
		return nil
	}
	return look(folders[len(folders)-1])
}

// add takes an error in; nil is none.
func (r *round) add(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
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

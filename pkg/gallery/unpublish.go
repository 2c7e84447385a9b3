package gallery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// unpublishTime bounds what an erasure waits for the bucket.
const unpublishTime = 15 * time.Second

// Unpublish takes jobs out of their pages and deletes their pictures: it
// is the store's hook for jobs that are erased or have expired. It can be repeated.
//
// A copy that had opened a picture before may still bring it back: who starts the next
// copy removes it, and [Gallery.Update] at once where it is a public one. No manifest
// names it meanwhile.
func (g *Gallery) Unpublish(names []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), unpublishTime)
	defer cancel()
	// A job is in the page of one of five spans, and in two while an update divides or joins some. All five are looked
	// for, since only what is read after the erasure has begun is sure to be younger: see stillThere.
	gone := map[string]map[job.ID]bool{} // by span
	for _, name := range names {
		_, id, ok := parse(thumbs, name)
		if !ok {
			continue
		}
		second := secondOf(id)
		for _, n := range spanLengths {
			if gone[second[:n]] == nil {
				gone[second[:n]] = map[job.ID]bool{}
			}
			gone[second[:n]][id] = true
		}
	}
	err := g.unlistAll(ctx, gone)
	if err == nil {
		err = g.Remove(ctx, names...)
	}
	if errors.Is(err, bucket.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", job.ErrStoreAway, err)
	}
	return err
}

// unlisting is how many pages are looked at, at a time, for jobs that are erased.
const unlisting = 16

// unlistAll takes jobs out of pages. It returns one of the errors.
func (g *Gallery) unlistAll(ctx context.Context, gone map[string]map[job.ID]bool) error {
	spans := slices.Collect(maps.Keys(gone))
	errs := make([]error, len(spans))
	slots := make(chan struct{}, unlisting)
	var all sync.WaitGroup
	for i, span := range spans {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			errs[i] = g.unlist(ctx, span, gone[span])
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// unlist takes jobs out of a page. Where others change it too it is tried again until ctx ends.
func (g *Gallery) unlist(ctx context.Context, span string, gone map[job.ID]bool) error {
	unlock := g.lock(span) // those of this process need not get ahead of each other
	defer unlock()
	for try := 0; ; try++ {
		var m manifest
		etag, err := g.getJSON(ctx, manifestKey(span), &m)
		if errors.Is(err, errUnreadable) {
			return nil // nobody is shown it: the next update writes it anew
		}
		if err != nil || etag == "" {
			return err
		}
		here := func(j job.Job) bool { return gone[j.ID] }
		if !slices.ContainsFunc(m.Jobs, here) {
			return nil
		}
		m.Jobs = slices.DeleteFunc(m.Jobs, here)
		if _, err = g.putJSON(ctx, manifestKey(span), m, etag); !errors.Is(err, bucket.ErrChanged) {
			return err
		}
		if pause(ctx, try) != nil {
			return err
		}
	}
}

// pause waits before something is tried again that others have got ahead of: the longer, the more often they did. It
// returns an error when ctx ends.
func pause(ctx context.Context, try int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(min(10*time.Millisecond<<min(try, 10), time.Second))):
		return nil
	}
}

// lock is a lock of the page of a span, among the goroutines of this process.
func (g *Gallery) lock(span string) (unlock func()) {
	g.mu.Lock()
	l := g.locks[span]
	if l == nil {
		l = new(pageLock)
		if g.locks == nil {
			g.locks = map[string]*pageLock{}
		}
		g.locks[span] = l
	}
	l.users++
	g.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		g.mu.Lock()
		defer g.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(g.locks, span)
		}
	}
}

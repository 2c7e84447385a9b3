package gallery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// unpublishTimeout limits how long an erasure waits for the bucket.
const unpublishTimeout = 15 * time.Second

// Unpublish removes jobs from their pages and deletes their pictures. It is the store's hook for
// jobs that are erased or have expired. It can be repeated.
//
// A DataSync execution, or the API when it copies a picture itself, may have opened a picture before
// and still store it again. The process that starts the next execution deletes it; [Gallery.Update]
// does so at once if it is a public picture. No manifest names it meanwhile.
func (g *Gallery) Unpublish(names []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), unpublishTimeout)
	defer cancel()
	// A job is on the page of one of five spans, or on two pages while an update divides or joins
	// them. All five are read, because only a page that is read after the erasure has begun is
	// certain to be newer, see checkNotErased.
	gone := map[string]map[job.ID]bool{} // by span
	for _, name := range names {
		_, id, ok := parseName(thumbs, name)
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
		err = fmt.Errorf("%w: %w", job.ErrStoreUnavailable, err)
	}
	return err
}

// maxUnlisting is the number of pages from which erased jobs are removed at the same time.
const maxUnlisting = 16

// unlistAll removes the jobs of each span from the span's page, several pages at the same time. It
// tries all pages, and returns one of the errors.
func (g *Gallery) unlistAll(ctx context.Context, gone map[string]map[job.ID]bool) error {
	spans := slices.Collect(maps.Keys(gone))
	errs := make([]error, len(spans))
	forEach(len(spans), maxUnlisting, func(i int) { errs[i] = g.unlist(ctx, spans[i], gone[spans[i]]) })
	return cmp.Or(errs...)
}

// unlist removes jobs from a page. After a conflict with another process it tries again until ctx
// ends.
func (g *Gallery) unlist(ctx context.Context, span string, gone map[job.ID]bool) error {
	unlock := g.lockPage(span) // so that goroutines of this process don't conflict
	defer unlock()
	for try := 0; ; try++ {
		var m manifest
		etag, err := g.getJSON(ctx, manifestKey(span), &m)
		if errors.Is(err, errUnreadable) {
			return nil // the gallery page can't read it either, and the next update writes it again
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
		if backOff(ctx, try) != nil {
			return err
		}
	}
}

// backOff waits before the retry number try after a conflict: a random time, longer with each
// retry, up to a second. It returns an error when ctx ends.
func backOff(ctx context.Context, try int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(min(10*time.Millisecond<<min(try, 10), time.Second))):
		return nil
	}
}

// lockPage locks the page of a span, so that no other goroutine of this process changes it.
func (g *Gallery) lockPage(span string) (unlock func()) {
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

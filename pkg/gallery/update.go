package gallery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Update updates the pages with the pictures that are in the bucket, and returns the number of
// pages that it has written or deleted. It checks all hours with public pictures in the store or
// with pages, youngest first. It may be stopped at any moment, and repeated.
//
// If ctx has a deadline it stops after half of the time, also if hours are left. The next updates,
// of either kind, continue with these.
//
// The pages show the public jobs of which both pictures are in the bucket. Only pages whose
// pictures have changed are written, older ones first within an hour, so each links to an existing
// page.
//
// When both Update and [Gallery.Unpublish] have returned, a job that was erased meanwhile is on no
// page, because the later of the two has seen that it is gone. If pictures of an erased job are in
// the bucket, Update deletes them.
func (g *Gallery) Update(ctx context.Context, jobs *store.Store) (changed int, err error) {
	return g.update(ctx, jobs, nil, true)
}

// UpdateFolders is like [Gallery.Update] if pictures were added or removed in the given folders
// only, such as 2026/11/23/16, or 2026/11/23/16/04 with the folders of its seconds. The number of
// its requests grows with the folders and the pictures of their minutes, not with all pictures. If
// ctx ends before all folders are done, it returns an error, and the next call continues there. If
// the bucket has no chain of an earlier update, it updates all hours.
func (g *Gallery) UpdateFolders(ctx context.Context, jobs *store.Store, folders []string) (changed int, err error) {
	return g.update(ctx, jobs, folders, false)
}

// FoldersOf returns the folders in the form that [Gallery.UpdateFolders] takes, for folders of
// published pictures such as public/2026/11/23/16.
func FoldersOf(published []string) (folders []string) {
	for _, f := range published {
		for _, of := range []string{thumbs, results} {
			if folder, ok := strings.CutPrefix(f, of); ok && !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
		}
	}
	return folders
}

func (g *Gallery) update(ctx context.Context, jobs *store.Store, folders []string, all bool) (changed int, err error) {
	ctx, cancel := withMargin(ctx)
	defer cancel()
	u := &update{Gallery: g, jobs: jobs}
	if err = u.run(ctx, folders, all); err != nil {
		err = fmt.Errorf("update the gallery in s3://%s: %w", g.bucket.Name(), err)
	}
	return u.changed, err
}

type update struct {
	*Gallery
	jobs     *store.Store
	changed  int
	chain    chain
	etag     string   // of the chain
	hasChain bool     // whether the chain exists and could be read
	unlinked []string // keys to which nothing links once an hour is done
	pageErr  error    // of one of an hour's pages
}

func (u *update) run(ctx context.Context, folders []string, all bool) error {
	if err := u.loadChain(ctx); err != nil {
		return err
	}
	all = all || !u.hasChain
	given := map[string][]string{} // by hour
	for _, f := range folders {
		if isSpan(f) {
			given[hourOf(f)] = append(given[hourOf(f)], f)
		}
	}
	if err := u.markDue(ctx, given, all); err != nil {
		return err
	}
	var errs []error
	tried := map[string]bool{}
	for _, hour := range slices.Sorted(maps.Keys(given)) {
		if ctx.Err() == nil {
			tried[hour] = true
			errs = append(errs, u.updateHourOrMarkDue(ctx, hour, given[hour])) // the other hours are updated all the same
		}
	}
	errs = append(errs, u.updateDue(ctx, tried), u.updateIndex(ctx, all))
	return errors.Join(append(errs, ctx.Err())...)
}

// markDue marks given hours that are not in the chain yet as due, so that the next update continues
// with them if this one is stopped. With all it marks all hours.
func (u *update) markDue(ctx context.Context, given map[string][]string, all bool) error {
	found := slices.Collect(maps.Keys(given))
	if all {
		published, err := u.jobs.PublishedHours(true)
		if err == nil {
			found, err = u.addListedHours(ctx, append(found, published...))
		}
		if err != nil {
			return err
		}
	}
	return u.changeHours(ctx, func(hours map[string]link) {
		for _, hour := range found {
			if _, known := hours[hour]; !known {
				hours[hour] = link{Due: true}
			}
		}
		for hour, l := range hours {
			l.Due = l.Due || all
			hours[hour] = l
		}
	})
}

// maxListedPages is the number of pages that are listed to find unknown hours.
const maxListedPages = 5000

// addListedHours adds to hours those of the first maxListedPages pages in the bucket. If the chain
// was lost, a small gallery gets all of its hours back in this way. In a larger one some pages
// remain to which nothing links.
func (u *update) addListedHours(ctx context.Context, hours []string) ([]string, error) {
	listed := 0
	for o, err := range u.bucket.List(ctx, manifestPrefix) {
		if err != nil {
			return nil, err
		}
		if span, ok := spanOf(o.Key); ok {
			hours = append(hours, hourOf(span))
		}
		if listed++; listed == maxListedPages {
			break
		}
	}
	return hours, nil
}

// updateDue updates due hours that were not tried yet, for half of the time that is left.
func (u *update) updateDue(ctx context.Context, tried map[string]bool) error {
	part, cancel := halfTime(ctx)
	defer cancel()
	var errs []error
	for hour := u.chain.nextDue(tried); hour != "" && part.Err() == nil; hour = u.chain.nextDue(tried) {
		tried[hour] = true
		if err := u.updateHourOrMarkDue(part, hour, nil); err != nil && (part.Err() == nil || ctx.Err() != nil) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// updateHourOrMarkDue updates an hour, with the pictures of the given folders or, if given is nil,
// with all, and then its entry in the chain. If the hour or one of its pages can't be updated, it
// marks the hour as due.
func (u *update) updateHourOrMarkDue(ctx context.Context, hour string, given []string) error {
	err := u.retryChanged(ctx, func() error { return u.updateHourInChain(ctx, hour, given) })
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, u.changeHours(ctx, func(hours map[string]link) {
		l := hours[hour]
		l.Due = true
		hours[hour] = l
	}))
}

func (u *update) updateHourInChain(ctx context.Context, hour string, given []string) error {
	u.unlinked, u.pageErr = nil, nil
	was, c := u.chain.Hours[hour], u.chain.clone()
	if given == nil {
		c.LastDue = hour
	}
	if was.Newest == "" {
		given = nil // a first update of the hour did not complete
	}
	older := u.chain.newestBefore(hour)
	newest, err := u.updateHour(ctx, hour, given, older)
	if err != nil {
		return err
	}
	now := link{Older: older, Due: was.Due && given != nil}
	if newest != older {
		now.Newest = newest
	}
	c.Hours[hour] = now
	if now.Newest == "" && !now.Due {
		delete(c.Hours, hour)
	}
	for next := c.hourAfter(hour); next != "" && c.Hours[next].Older != newest; next = c.hourAfter(next) {
		its := c.Hours[next]
		its.Older = newest
		if newest, err = u.updateHour(ctx, next, []string{}, newest); err != nil {
			return err
		}
		if its.Newest = newest; newest == its.Older { // it has no pages any more
			its.Newest, its.Due = "", true
		}
		c.Hours[next] = its
	}
	if err = u.saveChain(ctx, c); err == nil {
		err = u.updateIndex(ctx, false)
	}
	if err == nil {
		err = u.bucket.Delete(ctx, u.unlinked...)
	}
	for _, key := range u.unlinked {
		if _, isPage := spanOf(key); isPage && err == nil {
			u.changed++
		}
	}
	return cmp.Or(err, u.pageErr)
}

// updateIndex makes the index link to the newest page. It writes the index only if the chain says
// that the index links to another page, or if anyway is set.
func (u *update) updateIndex(ctx context.Context, anyway bool) error {
	return u.retryChanged(ctx, func() error {
		c := u.chain.clone()
		if c.IndexTarget == c.newest() && !anyway {
			return nil
		}
		c.IndexTarget = c.newest()
		if err := u.writeIndex(ctx, c.IndexTarget); err != nil {
			return err
		}
		return u.saveChain(ctx, c)
	})
}

// writeIndex makes the index link to a page.
func (u *update) writeIndex(ctx context.Context, newest string) error {
	var was manifest
	etag, err := u.getJSON(ctx, indexKey, &was)
	if err != nil && !errors.Is(err, errUnreadable) {
		return err
	}
	next := nextKey(newest)
	if err == nil && etag != "" && (next == nil) == (was.Next == nil) && (next == nil || *next == *was.Next) {
		return nil
	}
	if _, err = u.putJSON(ctx, indexKey, manifest{Jobs: []job.Job{}, Next: next}, etag); err == nil {
		u.changed++
	}
	return err
}

// stopMargin is how long before its deadline an update stops, so that it can save its progress.
const stopMargin = 10 * time.Second

// withMargin returns a context that ends before ctx does: by stopMargin, or by a quarter of the
// time that is left if that is shorter.
func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(stopMargin, time.Until(end)/4)))
}

// halfTime returns a context that ends when half of the time until ctx's deadline is over.
func halfTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

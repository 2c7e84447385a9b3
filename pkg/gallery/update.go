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

// Update brings the pages up to the pictures that are in the bucket, and says
// how many it has written or deleted. It looks at all hours of which the store has
// public pictures, or the gallery pages, the youngest first. It may end at any moment,
// and be repeated.
//
// Where ctx has a deadline it stops after half of the time, also if hours are left: the
// next updates go on with these, whatever else they do.
//
// The pages show the public jobs of which both pictures have arrived. Only
// those whose pictures have changed are written anew, older ones first within an hour,
// so that each leads to others that are there.
//
// A job that is erased meanwhile is in no page when both this and
// [Gallery.Unpublish] have returned: whoever comes last has seen that it is gone.
// A job that is gone and whose pictures are there all the same loses them.
func (g *Gallery) Update(ctx context.Context, jobs *store.Store) (changed int, err error) {
	return g.update(ctx, jobs, nil, true)
}

// UpdateFolders is [Gallery.Update] where pictures have come to the given folders alone,
// or gone from them, such as 2026/11/23/16, or 2026/11/23/16/04 with those of its
// seconds. Its requests grow with the number of these and with the pictures of their
// minutes, and not with all pictures. Where ctx ends before all are done that is an error,
// and it goes on from there when it is repeated. Without a record of the last update it looks at all.
func (g *Gallery) UpdateFolders(ctx context.Context, jobs *store.Store, folders []string) (changed int, err error) {
	return g.update(ctx, jobs, folders, false)
}

// FoldersOf are the folders of the gallery's pictures in published folders, by their names such as
// public/2026/11/23/16.
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
	ctx, cancel := early(ctx)
	defer cancel()
	u := &update{Gallery: g, jobs: jobs}
	if err = u.run(ctx, folders, all); err != nil {
		err = fmt.Errorf("update the gallery in s3://%s: %w", g.bucket.Name(), err)
	}
	return u.changed, err
}

type update struct {
	*Gallery
	jobs    *store.Store
	changed int
	chain   chain
	etag    string   // of the chain
	known   bool     // there is a chain, and it could be read
	emptied []string // keys that nothing leads to once an hour is done
	failed  error    // of one of an hour's pages
}

func (u *update) run(ctx context.Context, folders []string, all bool) error {
	if err := u.load(ctx); err != nil {
		return err
	}
	all = all || !u.known
	given := map[string][]string{} // by hour
	for _, f := range folders {
		if isSpan(f) {
			given[hourOf(f)] = append(given[hourOf(f)], f)
		}
	}
	if err := u.expect(ctx, given, all); err != nil {
		return err
	}
	var errs []error
	tried := map[string]bool{}
	for _, hour := range slices.Sorted(maps.Keys(given)) {
		if ctx.Err() == nil {
			tried[hour] = true
			errs = append(errs, u.bring(ctx, hour, given[hour])) // others are none the worse for it
		}
	}
	errs = append(errs, u.pass(ctx, tried), u.begin(ctx, all))
	return errors.Join(append(errs, ctx.Err())...)
}

// expect has hours be due of which nothing is known yet, so that they are looked at whatever becomes of this update;
// and all hours, if all is set.
func (u *update) expect(ctx context.Context, given map[string][]string, all bool) error {
	found := slices.Collect(maps.Keys(given))
	if all {
		published, err := u.jobs.PublishedHours(true)
		if err == nil {
			found, err = u.hoursOfPages(ctx, append(found, published...))
		}
		if err != nil {
			return err
		}
	}
	return u.change(ctx, func(hours map[string]link) {
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

// mostPages is how many pages are listed to find hours that are unknown.
const mostPages = 5000

// hoursOfPages adds the hours of the first pages: in a gallery of few nothing is left of hours
// that nobody knows of, since the chain was lost. In a larger one such pages stay, which nothing leads to.
func (u *update) hoursOfPages(ctx context.Context, hours []string) ([]string, error) {
	listed := 0
	for o, err := range u.bucket.List(ctx, manifests) {
		if err != nil {
			return nil, err
		}
		if span, ok := spanOf(o.Key); ok {
			hours = append(hours, hourOf(span))
		}
		if listed++; listed == mostPages {
			break
		}
	}
	return hours, nil
}

// pass looks at hours that are due and were not tried yet, for half of the time that is left.
func (u *update) pass(ctx context.Context, tried map[string]bool) error {
	part, cancel := half(ctx)
	defer cancel()
	var errs []error
	for hour := u.chain.due(tried); hour != "" && part.Err() == nil; hour = u.chain.due(tried) {
		tried[hour] = true
		if err := u.bring(part, hour, nil); err != nil && (part.Err() == nil || ctx.Err() != nil) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// bring brings an hour up to its pictures, those of given folders or, if that is nil, all, and into the chain. One that
// fails, in all or in some pages, is due then.
func (u *update) bring(ctx context.Context, hour string, given []string) error {
	err := u.again(ctx, func() error { return u.bringOnce(ctx, hour, given) })
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, u.change(ctx, func(hours map[string]link) {
		l := hours[hour]
		l.Due = true
		hours[hour] = l
	}))
}

func (u *update) bringOnce(ctx context.Context, hour string, given []string) error {
	u.emptied, u.failed = nil, nil
	was, c := u.chain.Hours[hour], u.chain.clone()
	if given == nil {
		c.At = hour
	}
	if was.Newest == "" {
		given = nil // whoever began it did not come to its end
	}
	older := u.chain.before(hour)
	newest, err := u.hour(ctx, hour, given, older)
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
	for next := c.after(hour); next != "" && c.Hours[next].Older != newest; next = c.after(next) {
		its := c.Hours[next]
		its.Older = newest
		if newest, err = u.hour(ctx, next, []string{}, newest); err != nil {
			return err
		}
		if its.Newest = newest; newest == its.Older { // it has no pages any more
			its.Newest, its.Due = "", true
		}
		c.Hours[next] = its
	}
	if err = u.put(ctx, c); err == nil {
		err = u.begin(ctx, false)
	}
	if err == nil {
		err = u.bucket.Delete(ctx, u.emptied...)
	}
	for _, key := range u.emptied {
		if _, isPage := spanOf(key); isPage && err == nil {
			u.changed++
		}
	}
	return cmp.Or(err, u.failed)
}

// begin has the first page lead to the newest, if it is not known to, or anyway.
func (u *update) begin(ctx context.Context, anyway bool) error {
	return u.again(ctx, func() error {
		c := u.chain.clone()
		if c.Led == c.top() && !anyway {
			return nil
		}
		c.Led = c.top()
		if err := u.lead(ctx, c.Led); err != nil {
			return err
		}
		return u.put(ctx, c)
	})
}

// lead has the first page lead to a page.
func (u *update) lead(ctx context.Context, newest string) error {
	var was manifest
	etag, err := u.getJSON(ctx, index, &was)
	if err != nil && !errors.Is(err, errUnreadable) {
		return err
	}
	next := nextOf(newest)
	if err == nil && etag != "" && (next == nil) == (was.Next == nil) && (next == nil || *next == *was.Next) {
		return nil
	}
	if _, err = u.putJSON(ctx, index, manifest{Jobs: []job.Job{}, Next: next}, etag); err == nil {
		u.changed++
	}
	return err
}

// reserve is how long before its time is over an update ends, so that it can note how far it has come.
const reserve = 10 * time.Second

// early is ctx, but for reserve at its end, or a quarter of what is left.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(reserve, time.Until(end)/4)))
}

// half is ctx for half of the time that is left.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

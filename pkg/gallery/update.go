package gallery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// tries is how often an update is begun anew that an erasure, or another update, got ahead of.
const tries = 20

// Update brings the pages up to the pictures that are in the bucket, and says
// how many it has written or deleted. It may end at any moment, and be repeated. It lists all pictures.
//
// The pages show the public jobs of which both pictures have arrived. Only
// those whose pictures have changed are written anew, older ones first,
// so that each leads to others that are there.
//
// A job that is erased meanwhile is in no page when both this and
// [Gallery.Unpublish] have returned: whoever comes last has seen that it is gone.
// A job that is gone and whose pictures are there all the same loses them.
func (g *Gallery) Update(ctx context.Context, jobs *store.Store) (changed int, err error) {
	return g.update(ctx, jobs, nil, true)
}

// UpdateFolders is [Gallery.Update] where pictures have come to the given folders alone, or gone from them, such
// as 2026/11/23/16. Its requests grow with the number of these folders and of their hours, and not
// with that of all pictures. Without a record of the last update it looks at all.
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
	for range tries {
		u := &update{Gallery: g, jobs: jobs}
		err = u.run(ctx, folders, all)
		changed += u.changed
		if !errors.Is(err, bucket.ErrChanged) {
			break
		}
	}
	if err != nil {
		return changed, fmt.Errorf("update the gallery in s3://%s: %w", g.bucket.Name(), err)
	}
	return changed, nil
}

// hours are how the hours that have pages follow each other.
type hours map[string]link

// A link is an hour's place among the others.
type link struct {
	Newest string `json:"newest"` // its newest page
	Older  string `json:"older"`  // the page that its oldest leads to; "" is none
}

type update struct {
	*Gallery
	jobs    *store.Store
	changed int
	etags   map[string]string // of all pages, if they were listed; nil otherwise
	emptied []string          // keys that nothing leads to once the update is done
}

func (u *update) run(ctx context.Context, folders []string, all bool) error {
	known := hours{}
	etag, err := u.getJSON(ctx, hoursKey, &known)
	if errors.Is(err, errUnreadable) {
		known, err = hours{}, nil
	}
	if err != nil {
		return err
	}
	due := map[string][]string{} // folders to be looked at, by hour
	for _, f := range folders {
		due[hourOf(f)] = append(due[hourOf(f)], f)
	}
	if all || len(known) == 0 {
		if due, err = u.allHours(ctx); err != nil {
			return err
		}
		all = true
	}
	var errs []error
	now, older := hours{}, ""
	for _, h := range sortedHours(known, due) {
		was, there := known[h]
		if _, is := due[h]; !is && there && was.Older == older {
			now[h], older = was, was.Newest
			continue
		}
		newest, err := u.hour(ctx, h, due[h], all, older)
		if err != nil {
			errs = append(errs, err) // others are none the worse for it
			if there {
				now[h], older = link{was.Newest, "?"}, was.Newest // it is looked at again
			}
			continue
		}
		if newest != "" {
			now[h], older = link{newest, older}, newest
		}
	}
	if all || !maps.Equal(known, now) {
		err = u.lead(ctx, older)
	}
	if err == nil && !maps.Equal(known, now) {
		_, err = u.putJSON(ctx, hoursKey, now, etag)
	}
	if err == nil {
		err = u.bucket.Delete(ctx, u.emptied...)
	}
	return errors.Join(append(errs, err)...)
}

func sortedHours(known hours, due map[string][]string) []string {
	all := map[string]bool{}
	for h := range known {
		all[h] = true
	}
	for h := range due {
		all[h] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// allHours are the hours that have pictures or pages, with the folders of their pages.
func (u *update) allHours(ctx context.Context) (map[string][]string, error) {
	found := map[string][]string{}
	u.etags = map[string]string{}
	for o, err := range u.bucket.List(ctx, manifests) {
		if err != nil {
			return nil, err
		}
		if folder, ok := folderOf(o.Key); ok {
			u.etags[o.Key] = o.ETag
			found[hourOf(folder)] = append(found[hourOf(folder)], folder)
		}
	}
	for o, err := range u.bucket.List(ctx, Pictures+thumbs) {
		if err != nil {
			return nil, err
		}
		if folder, _, ok := parse(thumbs, strings.TrimPrefix(o.Key, Pictures)); ok {
			if h := hourOf(folder); found[h] == nil {
				found[h] = []string{}
			}
		}
	}
	return found, nil
}

// lead has the first page lead to the newest.
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

// mark stands for what a page is made of.
func mark(ids []job.ID, older string) string {
	hash := sha256.New()
	for _, id := range ids {
		fmt.Fprintln(hash, id)
	}
	fmt.Fprintln(hash, older)
	return hex.EncodeToString(hash.Sum(nil)[:12])
}

package gallery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A ledger says what an hour's pages were made of, by their folders.
type ledger map[string]entry

type entry struct {
	Of    string `json:"of"`    // a hash over the folder's pictures and the page that this one leads to
	Older string `json:"older"` // that page
	ETag  string `json:"etag"`  // of the page then
}

// A folder is what the bucket has of one.
type folder struct {
	thumbs  map[job.ID]string // the picture's name
	results map[job.ID]string
}

// shown are the jobs of which both pictures are there, newest first.
func (f *folder) shown() (ids []job.ID) {
	for id := range f.thumbs {
		if f.results[id] != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

// hour brings an hour's pages up to its pictures: those of the given folders, or of all, and those that lead to
// another page than before. The oldest leads to the page older. It returns the newest page; older's where there
// is none.
func (u *update) hour(ctx context.Context, hour string, given []string, all bool, older string) (newest string, err error) {
	then, now := ledger{}, ledger{}
	etag, err := u.getJSON(ctx, ledgerKey(hour), &then)
	if err != nil && !errors.Is(err, errUnreadable) {
		return "", err
	}
	looked := map[string]*folder{}
	if all || err != nil {
		looked, err = u.listHour(ctx, hour)
		for _, f := range append(slices.Collect(maps.Keys(then)), given...) {
			if err == nil && looked[f] == nil {
				looked[f] = new(folder)
			}
		}
	} else {
		for _, f := range given {
			if looked[f], err = u.list(ctx, f); err != nil {
				break
			}
		}
	}
	if err != nil {
		return "", err
	}
	pages := map[string]bool{}
	for f := range then {
		pages[f] = true
	}
	for f := range looked {
		pages[f] = true
	}
	written := 0
	note := func() (err error) { // what was done so far, in case that the rest is not
		if len(now) == 0 {
			return nil
		}
		kept := ledger{}
		maps.Copy(kept, then)
		maps.Copy(kept, now)
		etag, err = u.putJSON(ctx, ledgerKey(hour), kept, etag)
		return err
	}
	for _, f := range slices.Sorted(maps.Keys(pages)) {
		was := then[f]
		if looked[f] == nil {
			if was.Older == older {
				now[f], newest, older = was, f, f
				continue
			}
			if looked[f], err = u.list(ctx, f); err != nil {
				return "", err
			}
		}
		if len(looked[f].shown()) == 0 {
			if was.ETag != "" {
				u.changed++
			}
			u.emptied = append(u.emptied, manifestKey(f)) // known or not: an update may have died
			continue
		}
		if now[f], err = u.page(ctx, f, looked[f], older, was); err != nil {
			delete(now, f)
			return "", errors.Join(err, note())
		}
		if newest, older = f, f; now[f] != was {
			if written++; written%noteEvery == 0 {
				if err := note(); err != nil {
					return "", err
				}
			}
		}
	}
	switch {
	case len(now) == 0 && etag != "":
		u.emptied = append(u.emptied, ledgerKey(hour))
	case !maps.Equal(then, now) || written >= noteEvery:
		_, err = u.putJSON(ctx, ledgerKey(hour), now, etag)
	}
	return newest, err
}

// noteEvery is after how many pages the ledger is written, so that an update of many that is cut short is not begun anew.
const noteEvery = 50

// page writes a page unless it is what it should be.
func (u *update) page(ctx context.Context, name string, f *folder, older string, was entry) (entry, error) {
	key, of := manifestKey(name), mark(f.shown(), older)
	now, err := u.etag(ctx, key)
	if err != nil || was.Of == of && was.ETag == now && now != "" {
		return was, err
	}
	m, err := u.show(ctx, f, older)
	if err != nil {
		return was, err
	}
	etag, err := u.putJSON(ctx, key, m, now)
	if err != nil {
		return was, err
	}
	u.changed++
	return entry{of, older, etag}, u.stillThere(ctx, m.Jobs)
}

// etag is a page's; "" if there is none. An erasure may have changed it since the ledger was written.
func (u *update) etag(ctx context.Context, key string) (string, error) {
	if u.etags != nil {
		return u.etags[key], nil
	}
	o, err := u.bucket.Head(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		return "", nil
	}
	return o.ETag, err
}

// list lists the pictures of a folder, without those of finer folders in it.
func (u *update) list(ctx context.Context, name string) (*folder, error) {
	all, err := u.listBelow(ctx, name, store.IDsIn(name))
	if err != nil {
		return nil, err
	}
	if f := all[name]; f != nil {
		return f, nil
	}
	return new(folder), nil
}

// listHour lists the pictures of an hour, by folder.
func (u *update) listHour(ctx context.Context, hour string) (map[string]*folder, error) {
	return u.listBelow(ctx, hour, "")
}

func (u *update) listBelow(ctx context.Context, below, prefix string) (map[string]*folder, error) {
	found := map[string]*folder{}
	for _, kind := range []string{thumbs, results} {
		for o, err := range u.bucket.List(ctx, Pictures+kind+below+"/"+prefix) {
			if err != nil {
				return nil, err
			}
			name := strings.TrimPrefix(o.Key, Pictures)
			in, id, ok := parse(kind, name)
			if !ok {
				continue
			}
			f := found[in]
			if f == nil {
				f = &folder{map[job.ID]string{}, map[job.ID]string{}}
				found[in] = f
			}
			if kind == thumbs {
				f.thumbs[id] = name
			} else {
				f.results[id] = name
			}
		}
	}
	return found, nil
}

// show reads a folder's jobs.
func (u *update) show(ctx context.Context, f *folder, older string) (manifest, error) {
	m := manifest{Jobs: []job.Job{}, Next: nextOf(older)}
	var gone []string
	ids := f.shown()
	jobs, errs := u.read(ctx, ids)
	for i, id := range ids {
		switch j, err := jobs[i], errs[i]; {
		case errors.Is(err, job.ErrGone):
			gone = append(gone, f.thumbs[id], f.results[id])
		case errors.Is(err, job.ErrNotFound), errors.Is(err, job.ErrDamagedJob): // of another store, or long forgotten
		case err != nil:
			return m, err
		case !j.Public || j.State != job.Succeeded:
		case !slices.Equal(store.Published(id, j.Format, true), []string{f.results[id], f.thumbs[id]}): // somebody else's
		default:
			r := *j.Result
			r.URL, r.ThumbnailURL = Pictures+f.results[id], Pictures+f.thumbs[id]
			j.Result = &r
			m.Jobs = append(m.Jobs, j)
		}
	}
	return m, u.Remove(ctx, gone...)
}

// readers is how many jobs are read at a time: each costs the file server round
// trips.
const readers = 32

// read reads jobs, each with an error of its own.
func (u *update) read(ctx context.Context, ids []job.ID) ([]job.Job, []error) {
	jobs, errs := make([]job.Job, len(ids)), make([]error, len(ids))
	slots := make(chan struct{}, readers)
	var all sync.WaitGroup
	for i, id := range ids {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				jobs[i], errs[i] = u.jobs.Job(id)
			}
		})
	}
	all.Wait()
	return jobs, errs
}

// stillThere is bucket.ErrChanged where one of the jobs was erased since they
// were read: its erasure may have looked for it in the page before this was
// written.
func (u *update) stillThere(ctx context.Context, jobs []job.Job) error {
	ids := make([]job.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	_, errs := u.read(ctx, ids)
	if err := errors.Join(errs...); errors.Is(err, job.ErrGone) {
		return fmt.Errorf("%w: %w", bucket.ErrChanged, err)
	} else if err != nil {
		return err
	}
	return nil
}

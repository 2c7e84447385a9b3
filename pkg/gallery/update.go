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
	"sync"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Update brings the manifests up to the pictures that are in the bucket, and says
// how many it has written or deleted. It is due when pictures were copied or
// deleted. It may end at any moment, and be repeated.
//
// The manifests show the public jobs of which both pictures have arrived. Only
// those of hours whose pictures have changed are written anew, older ones first,
// so that each leads to others that are there.
//
// A job that is erased meanwhile is in no manifest when both this and
// [Gallery.Unpublish] have returned: whoever comes last has seen that it is gone.
// A job that is gone and whose pictures are there all the same loses them.
func (g *Gallery) Update(ctx context.Context, jobs *store.Store) (changed int, err error) {
	return g.update(ctx, jobs, nil, true)
}

// UpdateHours is [Gallery.Update] where pictures have come to the given hours alone, such
// as 2026/11/23/16. It lists the pictures of these, of hours whose manifest an erasure has
// changed, and of those that lead to another hour than before, so that its requests don't grow
// with the number of pictures. Without a record of the last update it looks at all.
func (g *Gallery) UpdateHours(ctx context.Context, jobs *store.Store, hours []string) (changed int, err error) {
	return g.update(ctx, jobs, hours, false)
}

// HoursOf are the hours of the gallery's pictures in published folders, by their names such as
// public/2026/11/23/16.
func HoursOf(folders []string) (hours []string) {
	for _, f := range folders {
		for _, of := range []string{thumbs, results} {
			if hour, ok := strings.CutPrefix(f, of); ok && !slices.Contains(hours, hour) {
				hours = append(hours, hour)
			}
		}
	}
	return hours
}

func (g *Gallery) update(ctx context.Context, jobs *store.Store, hours []string, all bool) (changed int, err error) {
	for range tries { // an erasure, or another update, got ahead
		u := &update{Gallery: g, jobs: jobs, given: hours, all: all}
		err = u.run(ctx)
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

// A ledger says what manifests were made of, by their keys.
type ledger map[string]entry

type entry struct {
	Of   string `json:"of"`   // a hash over the hour's pictures and the next manifest
	ETag string `json:"etag"` // what the manifest was then
}

type update struct {
	*Gallery
	jobs    *store.Store
	given   []string // hours to be looked at
	all     bool     // of all hours
	changed int

	looked map[string]bool   // hours of which hours is complete
	hours  map[string]*hour  // with pictures
	etags  map[string]string // of what is below gallery/
	then   ledger            // as the last update left it
	now    ledger
}

// An hour is what the bucket holds of one.
type hour struct {
	thumbs  map[job.ID]string // the picture's name
	results map[job.ID]string
}

func (u *update) run(ctx context.Context) error {
	if err := u.look(ctx); err != nil {
		return err
	}
	var errs []error
	older := ""
	before := "" // of an hour's manifest: where it has led, as far as is known
	for _, h := range u.chain() {
		key := manifestKey(h)
		was, known := u.then[key]
		led := before
		if known {
			before = h
		}
		if !u.looked[h] {
			if known && was.ETag == u.etags[key] && led == older {
				u.now[key], older = was, h
				continue
			}
			if err := u.lookAt(ctx, h+"/"); err != nil {
				return err
			}
			u.looked[h] = true
		}
		if u.hours[h] == nil || len(u.hours[h].shown()) == 0 {
			continue
		}
		err := u.bring(ctx, key, mark(u.hours[h].shown(), older), func() (manifest, error) {
			return u.show(ctx, u.hours[h], older)
		})
		if err != nil {
			errs = append(errs, err) // others are none the worse for it
		}
		if err == nil || u.etags[key] != "" { // else newer ones would lead nowhere
			older = h
		}
	}
	err := u.bring(ctx, index, mark(nil, older), func() (manifest, error) {
		return manifest{Jobs: []job.Job{}, Next: nextOf(older)}, nil
	})
	if errs = append(errs, err); err == nil {
		errs = append(errs, u.deleteEmptied(ctx))
	}
	return errors.Join(append(errs, u.note(ctx))...)
}

// chain are the hours that have or may have pictures, the oldest first.
func (u *update) chain() []string {
	hours := map[string]bool{}
	for h := range u.hours {
		hours[h] = true
	}
	for _, h := range u.given {
		hours[h] = true
	}
	for key := range u.etags {
		if h, ok := hourOf(key); ok {
			hours[h] = true
		}
	}
	for key := range u.then {
		if h, ok := hourOf(key); ok {
			hours[h] = true
		}
	}
	return slices.Sorted(maps.Keys(hours))
}

// look learns what is in the bucket.
func (u *update) look(ctx context.Context) error {
	u.hours, u.looked, u.etags, u.then, u.now = map[string]*hour{}, map[string]bool{}, map[string]string{}, ledger{}, ledger{}
	// Manifests before the pictures, and both before the jobs are read.
	for o, err := range u.bucket.List(ctx, manifests) {
		if err != nil {
			return err
		}
		u.etags[o.Key] = o.ETag
	}
	if _, err := u.getJSON(ctx, ledgerKey, &u.then); err != nil && !errors.Is(err, errUnreadable) { // else all is written anew
		return err
	}
	if u.all || len(u.then) == 0 {
		err := u.lookAt(ctx, "")
		for _, h := range u.chain() {
			u.looked[h] = true
		}
		return err
	}
	for _, h := range u.given {
		if err := u.lookAt(ctx, h+"/"); err != nil {
			return err
		}
		u.looked[h] = true
	}
	return nil
}

// lookAt lists pictures below a folder of hours.
func (u *update) lookAt(ctx context.Context, below string) error {
	for _, folder := range []string{thumbs, results} {
		for o, err := range u.bucket.List(ctx, Pictures+folder+below) {
			if err != nil {
				return err
			}
			u.enter(folder, strings.TrimPrefix(o.Key, Pictures))
		}
	}
	return nil
}

func (u *update) enter(folder, name string) {
	at, id, ok := parse(folder, name)
	if !ok {
		return
	}
	h := u.hours[at]
	if h == nil {
		h = &hour{map[job.ID]string{}, map[job.ID]string{}}
		u.hours[at] = h
	}
	if folder == thumbs {
		h.thumbs[id] = name
	} else {
		h.results[id] = name
	}
}

// shown are the jobs of which both pictures are there, newest first.
func (h *hour) shown() (ids []job.ID) {
	for id := range h.thumbs {
		if h.results[id] != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

// mark stands for what a manifest is made of.
func mark(ids []job.ID, older string) string {
	hash := sha256.New()
	for _, id := range ids {
		fmt.Fprintln(hash, id)
	}
	fmt.Fprintln(hash, older)
	return hex.EncodeToString(hash.Sum(nil)[:12])
}

// bring writes a manifest unless it is what it should be.
func (u *update) bring(ctx context.Context, key, of string, content func() (manifest, error)) error {
	if was := u.then[key]; was.Of == of && was.ETag == u.etags[key] && was.ETag != "" {
		u.now[key] = was
		return nil
	}
	m, err := content()
	if err != nil {
		return err
	}
	etag, err := u.putJSON(ctx, key, m, u.etags[key])
	if err != nil {
		return err
	}
	u.changed++
	if err := u.stillThere(ctx, m.Jobs); err != nil {
		return err
	}
	u.now[key] = entry{of, etag}
	return nil
}

// show reads an hour's jobs.
func (u *update) show(ctx context.Context, h *hour, older string) (manifest, error) {
	m := manifest{Jobs: []job.Job{}, Next: nextOf(older)}
	var gone []string
	ids := h.shown()
	jobs, errs := u.read(ctx, ids)
	for i, id := range ids {
		switch j, err := jobs[i], errs[i]; {
		case errors.Is(err, job.ErrGone):
			gone = append(gone, h.thumbs[id], h.results[id])
		case errors.Is(err, job.ErrNotFound), errors.Is(err, job.ErrDamagedJob): // of another store, or long forgotten
		case err != nil:
			return m, err
		case !j.Public || j.State != job.Succeeded:
		case !slices.Equal(store.Published(id, j.Format, true), []string{h.results[id], h.thumbs[id]}): // somebody else's
		default:
			r := *j.Result
			r.URL, r.ThumbnailURL = Pictures+h.results[id], Pictures+h.thumbs[id]
			j.Result = &r
			m.Jobs = append(m.Jobs, j)
		}
	}
	return m, u.Remove(ctx, gone...)
}

// readers is how many jobs are read at a time: each costs the file server round
// trips.
const readers = 8

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
// were read: its erasure may have looked for it in the manifest before this was
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

// deleteEmptied removes the manifests that no other leads to any more.
func (u *update) deleteEmptied(ctx context.Context) error {
	var emptied []string
	for key := range u.etags {
		if h, ok := hourOf(key); ok && u.looked[h] && (u.hours[h] == nil || len(u.hours[h].shown()) == 0) {
			emptied = append(emptied, key)
		}
	}
	if err := u.bucket.Delete(ctx, emptied...); err != nil {
		return err
	}
	u.changed += len(emptied)
	return nil
}

// note leaves the ledger for the next update. One that is wrong, because updates
// ran side by side, costs that some manifests are written once more.
func (u *update) note(ctx context.Context) error {
	if maps.Equal(u.then, u.now) {
		return nil
	}
	_, err := u.putJSON(ctx, ledgerKey, u.now, u.etags[ledgerKey])
	return err
}

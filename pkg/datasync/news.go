package datasync

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// looks say how often folders are looked at, by how long ago their jobs were made: most are
// painted soon, and to one that has waited for long some minutes more matter less. Where
// there are many jobs each second has three folders, and each costs a call of the file
// server. A look is at the younger folders too, each by what is noted of its own.
var looks = [...]struct{ back, every time.Duration }{
	{15 * time.Minute, 0}, // at each step
	{2 * time.Hour, 5 * time.Minute},
	{25 * time.Hour, time.Hour}, // as old as a job may be that is painted for the first time
}

const (
	// lookAtAllEvery is how often the older folders are looked at, into which late retries publish.
	lookAtAllEvery = time.Hour
	// lookAtManyEvery is how often they are where there are too many for one step.
	lookAtManyEvery = 24 * time.Hour
	// lookTime is for how long a step looks, and passTime after how long it looks at no further day of
	// the older folders. The next step goes on. They fit into a function's five minutes.
	lookTime, passTime = 90 * time.Second, 10 * time.Second
	// overlap is how long before the last look a change counts as new: a picture gets its
	// name a moment after the folder's time was read, and file systems count time in ticks.
	overlap = 2 * time.Second
	// comparisons is how many folders are compared with the bucket at a time, and comparedAtOnce after
	// how many it is noted how far a look has come.
	comparisons, comparedAtOnce = 16, 256
)

// news is what a step has found in the published folders.
type news struct {
	changed bool      // a folder has changed since the last look, or a look was gone on with
	names   []string  // of pictures that are not in the bucket
	look    int       // which of looks is done; -1 is none yet
	began   time.Time // when it began
	old     bool      // some of the older folders were looked at too
	all     bool      // and the last of them
}

// find compares the folders that have changed, since all in them was copied, with the bucket: as many as there is time
// for, and in s how many these are. A folder that can't be compared keeps no other from it.
func (c *Copier) find(ctx context.Context, s *state, now time.Time) (n news, err error) {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	n.look = -1
	if err = c.look(within, &n, s, now); within.Err() == nil && !isAway(err) {
		err = cmp.Or(err, c.lookAtOld(within, &n, s, now))
	}
	if ctx.Err() == nil && within.Err() != nil {
		err = nil // what was found is copied meanwhile
	}
	return n, err
}

// look looks at what is due, the folders of the youngest jobs first, or goes on with that.
func (c *Copier) look(ctx context.Context, n *news, s *state, now time.Time) error {
	l := &s.Looking
	n.changed = !l.Began.IsZero()
	if l.Began.IsZero() {
		*l = looking{Began: now}
		for i := range looks {
			if now.Sub(s.Copied[i]) >= looks[i].every {
				l.Which = i
			}
		}
	}
	which := min(max(l.Which, 0), len(looks)-1)
	var last time.Time // no bound
	for i := range which + 1 {
		// From where the look before this one began: what has become too old since was not looked at again.
		first := l.Began
		if !s.Copied[i].IsZero() {
			first = s.Copied[i]
		}
		first = first.Add(-looks[i].back)
		if i >= l.Done {
			err := c.compare(ctx, n, first, last, s.Copied[i], &l.At)
			if err != nil && ctx.Err() == nil {
				*l = looking{} // the next step begins anew
			}
			if err != nil {
				return err
			}
			// The folder of an hour may be of two looks, since finer ones are in it, so each begins anew.
			l.Done, l.At = i+1, ""
		}
		last = first
		n.look, n.began = i, l.Began
	}
	*l = looking{}
	return nil
}

// lookAtOld looks at folders that are too old for looks, if it is time to, a day after the other. One that can't be
// compared is left to the next full execution, or until it changes.
func (c *Copier) lookAtOld(ctx context.Context, n *news, s *state, now time.Time) error {
	p, every := &s.Pass, lookAtAllEvery
	if p.Steps > 1 {
		every = lookAtManyEvery
	}
	if p.Began.IsZero() {
		if now.Sub(s.CopiedAll) < every {
			return nil
		}
		*p = pass{Began: now}
	}
	n.old = true
	p.Steps++
	hours, err := c.Store.PublishedHours(false)
	if err != nil {
		return err
	}
	var failed error
	end := p.Began.Add(-looks[len(looks)-1].back).Add(time.Hour) // an hour more, since it is in the midst of one
	for began := time.Now(); len(hours) > 0; {
		day := path.Dir(hours[0])
		hours = slices.DeleteFunc(hours, func(hour string) bool { return path.Dir(hour) == day })
		first, err := time.Parse("2006/01/02", day)
		if err != nil || day <= p.After {
			continue
		}
		if !first.Before(end) {
			break
		}
		if time.Since(began) > passTime {
			return failed // the next step goes on
		}
		last := first.Add(24 * time.Hour)
		if last.After(end) {
			last = end
		}
		err = c.compare(ctx, n, first, last, s.CopiedAll, &p.At)
		if ctx.Err() != nil || isAway(err) {
			return err
		}
		failed = cmp.Or(failed, err)
		p.After, p.At = day, ""
	}
	n.all = true
	return failed
}

// compare adds what is missing in the folders of jobs that were made between first and last, if they have changed since a
// time; those of the youngest jobs first. at is the place of the last before which all is done. It returns one of the errors.
func (c *Copier) compare(ctx context.Context, n *news, first, last, since time.Time, at *string) error {
	folders, failed := c.Store.PublishedSince(ctx, first, last, since.Add(-overlap))
	folders = slices.DeleteFunc(folders, func(folder string) bool { return *at != "" && place(folder) >= *at })
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(place(b), place(a)) })
	for some := range slices.Chunk(folders, comparedAtOnce) {
		if failed = cmp.Or(failed, c.compareAll(ctx, n, some)); ctx.Err() != nil || isAway(failed) {
			return failed
		}
		n.changed = true
		if failed == nil {
			*at = place(some[len(some)-1])
		}
	}
	return failed
}

// place is by what folders are ordered: the time, and the kind.
func place(folder string) string {
	kind, of, _ := strings.Cut(folder, "/")
	return of + " " + kind
}

// compareAll adds what is missing in folders. It returns one of the errors.
func (c *Copier) compareAll(ctx context.Context, n *news, folders []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	slots := make(chan struct{}, comparisons)
	for _, folder := range folders {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			missing, err := c.missing(ctx, folder)
			mu.Lock()
			defer mu.Unlock()
			n.names = append(n.names, missing...)
			failed = cmp.Or(failed, err)
			if isAway(err) {
				cancel()
			}
		})
	}
	all.Wait()
	return cmp.Or(failed, ctx.Err())
}

// isAway reports whether an error is that of all folders.
func isAway(err error) bool {
	return errors.Is(err, bucket.ErrUnavailable) || errors.Is(err, bucket.ErrDenied) || errors.Is(err, bucket.ErrNoBucket)
}

// missing returns the pictures of a folder, without those of finer folders in it, that are
// not in the bucket. Pictures never change, so that names are enough. It removes those from
// the bucket that are there although their jobs are gone: a copy that had opened a file
// brings it back when the job is erased meanwhile.
func (c *Copier) missing(ctx context.Context, folder string) ([]string, error) {
	there := map[string]bool{} // listed before the folder, so that what is there has been in that
	for o, err := range c.Bucket.List(ctx, c.Prefix+store.PublishedPrefix(folder)) {
		if err != nil {
			return nil, err
		}
		if name := strings.TrimPrefix(o.Key, c.Prefix); path.Dir(name) == folder {
			there[name] = true
		}
	}
	names, err := c.Store.PublishedIn(folder)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range names {
		if !there[name] {
			missing = append(missing, name)
		}
		delete(there, name)
	}
	var gone []string
	for name := range there {
		_, id, _, ok := store.ParsePublished(name)
		if !ok {
			continue
		}
		// What is of an unknown job may be another store's.
		if _, err := c.Store.Job(id); errors.Is(err, job.ErrGone) && !errors.Is(err, job.ErrExpired) {
			gone = append(gone, c.Prefix+name)
		}
	}
	return missing, c.Bucket.Delete(ctx, gone...)
}

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
	// stepTime is after how long a step looks at no further day of these, and lookTime after how long
	// one of looks, or a day, is given up until the next step. Both fit into a function's five minutes.
	stepTime, lookTime = 10 * time.Second, 45 * time.Second
	// overlap is how long before the last look a change counts as new: a picture gets its
	// name a moment after the folder's time was read, and file systems count time in ticks.
	overlap = 2 * time.Second
	// comparisons is how many folders are compared with the bucket at a time.
	comparisons = 16
)

// news is what a look at the published folders has found.
type news struct {
	changed bool     // a folder has changed since the last look
	names   []string // of pictures that are not in the bucket
	look    int      // which of looks it was; -1 if there was no time for the first
	old     bool     // it was at some of the older folders too
	all     bool     // at the last of them
}

// look compares the folders that have changed, since all in them was copied, with the
// bucket.
func (c *Copier) look(ctx context.Context, s *state, now time.Time) (news, error) {
	n := news{look: -1}
	due := 0
	for i, l := range looks {
		if now.Sub(s.Copied[i]) >= l.every {
			due = i
		}
	}
	var last time.Time // no bound
	for i, l := range looks[:due+1] {
		// From where the look before this one began: what has become too old since was not looked at again.
		first := now
		if !s.Copied[i].IsZero() {
			first = s.Copied[i]
		}
		first = first.Add(-l.back)
		done, err := c.compare(ctx, &n, first, last, s.Copied[i])
		if err != nil || !done {
			return n, err
		}
		n.look, last = i, first
	}
	return n, c.lookAtOld(ctx, &n, s, now)
}

// lookAtOld looks at folders that are too old for looks, if it is time to, a day after the other.
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
		if time.Since(began) > stepTime {
			return nil // the next step goes on
		}
		last := first.Add(24 * time.Hour)
		if last.After(end) {
			last = end
		}
		done, err := c.compare(ctx, n, first, last, s.CopiedAll)
		if err != nil || !done {
			return err
		}
		p.After = day
	}
	n.all = true
	return nil
}

// compare adds what is missing in the folders of jobs that were made between first and last, if they have changed since a
// time; those of the youngest jobs first. !done: there was no time for all.
func (c *Copier) compare(ctx context.Context, n *news, first, last, since time.Time) (done bool, err error) {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	folders, err := c.Store.PublishedSince(within, first, last, since.Add(-overlap))
	if err != nil && within.Err() == nil {
		return false, err
	}
	n.changed = n.changed || len(folders) > 0
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(timeOf(b), timeOf(a)) })
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	slots := make(chan struct{}, comparisons)
	for _, folder := range folders {
		slots <- struct{}{}
		if within.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			missing, err := c.missing(within, folder)
			mu.Lock()
			defer mu.Unlock()
			n.names = append(n.names, missing...)
			if err != nil && within.Err() == nil {
				failed = err
				cancel() // the others fail likewise
			}
		})
	}
	all.Wait()
	switch {
	case failed != nil:
		return false, failed
	case ctx.Err() != nil:
		return false, ctx.Err()
	}
	return within.Err() == nil, nil
}

// timeOf is the time in a folder's name.
func timeOf(folder string) string {
	_, of, _ := strings.Cut(folder, "/")
	return of
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
		if _, err := c.Store.Job(id); errors.Is(err, job.ErrGone) {
			gone = append(gone, c.Prefix+name)
		}
	}
	return missing, c.Bucket.Delete(ctx, gone...)
}

// mostFolders is how many folders are noted of an execution: a note has 64 KiB at most, and a folder some 30 bytes.
const mostFolders = 500

// foldersOf are the folders of names, and of those of seconds the minutes. many: there are too many to be noted.
func foldersOf(names []string) (folders []string, many bool) {
	for _, name := range names {
		kind, of, _ := strings.Cut(path.Dir(name), "/")
		folders = append(folders, path.Join(kind, of[:min(len(of), len("2006/01/02/15/04"))]))
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	if len(folders) > mostFolders {
		return nil, true
	}
	return folders, false
}

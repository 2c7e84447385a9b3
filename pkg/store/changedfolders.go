package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// PublishedKinds returns the folders at the top of [Store.PublishedDir].
func PublishedKinds() []string { return []string{publicDir, thumbsDir, privateDir} }

// mostChecked is about how many folders one call of ChangedFolders checks at most.
const mostChecked = 4096

// ChangedFolders returns folders of [Store.PublishedDir] in which a name was made or removed at or
// after changed, by the file server's clock, in the form "public/2026/11/29/18", with a minute and a
// second after it where there were many jobs. A zero time returns all folders. One that can't be
// read counts as changed. If its finer folders can't be listed either, so that they are not checked,
// it is in unlisted too.
//
// It checks the folders of jobs made from first on and before last, the youngest first; a zero time
// is no limit. After some thousand folders, or about most changed ones, it stops; next is then the
// last with which to continue. The zero time means that all were checked. Each folder costs one
// call, because it is opened so that an NFS client's cached attributes don't hide a change, and two
// more if it may have finer folders.
func (s *Store) ChangedFolders(ctx context.Context, first, last, changed time.Time, most int) (folders, unlisted []string, next time.Time, err error) {
	kinds, err := s.publishedKinds()
	c := changes{Store: s, ctx: ctx, kinds: kinds, to: "~", changed: changed, most: most}
	if !first.IsZero() {
		c.from = first.UTC().Format(timeForm)
	}
	if !last.IsZero() {
		c.to = last.UTC().Format(timeForm)
	}
	if err == nil {
		err = c.visit("")
	}
	if errors.Is(err, errEnough) {
		next, err = time.Parse(timeForm[:len(c.reached)], c.reached)
	}
	if err != nil {
		return nil, nil, time.Time{}, fmt.Errorf("read published folders: %w", err)
	}
	return c.folders, c.unlisted, next, nil
}

// A changes is the state of one call of [Store.ChangedFolders].
type changes struct {
	*Store
	ctx      context.Context //nolint:containedctx // of the call
	kinds    []string
	from, to string // in the form of timeForm
	changed  time.Time
	most     int

	checked  int
	folders  []string
	unlisted []string
	reached  string // the hour or minute from whose begin on all folders were checked
}

// A publishedFolder is a folder of published/ that was read.
type publishedFolder struct {
	name     string // with its kind
	changed  bool
	finer    []string // the times of the folders in it
	unlisted bool     // these could not be listed
}

// visit visits the hours below a folder of the tree, the youngest first.
func (c *changes) visit(above string) error {
	if depthOf(above) == hourDepth {
		return c.visitHour(above)
	}
	var all []string
	for _, kind := range c.kinds {
		subs, err := c.timeFolders(filepath.Join(c.PublishedDir(), kind), above, time.Now().Add(clockTolerance))
		if err != nil {
			return err
		}
		all = append(all, subs...)
	}
	for _, sub := range slices.Backward(c.inside(all)) {
		if err := c.visit(sub); err != nil {
			return err
		}
	}
	return nil
}

// inside sorts times, and removes those outside of the call's limits.
func (c *changes) inside(times []string) []string {
	slices.Sort(times)
	return slices.DeleteFunc(slices.Compact(times), func(at string) bool {
		return at < c.from[:min(len(at), len(c.from))] || !beginsBefore(filepath.ToSlash(at), c.to)
	})
}

// visitHour adds the folders of each minute, its seconds' before its own, and at last the hour's.
// Each folder is read before the finer ones in it, because a client may have cached that one of
// them is missing.
func (c *changes) visitHour(hour string) error {
	hours, err := c.read([]string{hour})
	if err != nil {
		return err
	}
	minutes, err := c.read(c.inside(finerIn(hours)))
	if err != nil {
		return err
	}
	slices.Reverse(minutes) // the kinds of a minute stay together
	for len(minutes) > 0 {
		n, seconds := 0, []string(nil)
		for n < len(minutes) && len(seconds) < c.most { // whole minutes
			at := timeIn(minutes[n].name)
			for n < len(minutes) && timeIn(minutes[n].name) == at {
				seconds = append(seconds, minutes[n].finer...)
				n++
			}
		}
		read, err := c.read(c.inside(seconds))
		if err != nil {
			return err
		}
		c.add(read)
		c.add(minutes[:n])
		at := timeIn(minutes[n-1].name)
		if minutes = minutes[n:]; len(minutes) == 0 {
			break // the hour's own folder comes next, and its time begins with the first minute, so a call can't end here
		}
		if err := c.reach(at); err != nil {
			return err
		}
	}
	c.add(hours)
	return c.reach(filepath.ToSlash(hour))
}

func (c *changes) add(read []publishedFolder) {
	for _, f := range read {
		if f.changed {
			c.folders = append(c.folders, f.name)
		}
	}
}

func (c *changes) reach(at string) error {
	c.reached = at
	if len(c.folders) >= c.most || c.checked >= mostChecked {
		return errEnough
	}
	return nil
}

// read reads the folders of some times, of all kinds, in the order of the times.
func (c *changes) read(times []string) ([]publishedFolder, error) {
	all := make([]publishedFolder, 0, len(times)*len(c.kinds))
	for _, at := range times {
		for _, kind := range c.kinds {
			all = append(all, publishedFolder{name: path.Join(kind, filepath.ToSlash(at))})
		}
	}
	calls := make([]func() error, len(all))
	for i := range all {
		calls[i] = func() error {
			if c.ctx.Err() == nil {
				all[i] = c.readPublishedFolder(all[i].name, c.changed)
			}
			return c.ctx.Err()
		}
	}
	c.checked += len(all)
	err := concurrentlyLimited(calls)
	// Recorded at once: if this call ends within the hour, the next one may be able to list the
	// folder, and checks only what is older.
	for _, f := range all {
		if f.unlisted {
			c.unlisted = append(c.unlisted, f.name)
		}
	}
	return all, err
}

func finerIn(folders []publishedFolder) (times []string) {
	for _, f := range folders {
		times = append(times, f.finer...)
	}
	return times
}

// timeIn returns the time of a folder of published/.
func timeIn(name string) string {
	_, of, _ := strings.Cut(name, "/")
	return of
}

// beginsBefore reports whether the time of a folder begins before a second, which is in the form of
// timeForm.
func beginsBefore(folder, second string) bool {
	const first = "0000/01/01/00/00/00"
	return folder+first[len(folder):] < second
}

// publishedKinds returns the folders at the top of published/ that exist.
func (s *Store) publishedKinds() ([]string, error) {
	names, err := s.list(s.PublishedDir())
	if err != nil {
		return nil, fmt.Errorf("list published hours: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(PublishedKinds(), name) }), nil
}

// readPublishedFolder reads a folder, which is changed if a name was made or removed in it since a
// time, or if it can't be read. A folder that was removed meanwhile, or that the store has not made,
// is empty and unchanged.
func (s *Store) readPublishedFolder(name string, since time.Time) publishedFolder {
	f := publishedFolder{name: name}
	at, err := s.folderModTime(filepath.Join(s.PublishedDir(), filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
		return f
	}
	if kind, of, _ := strings.Cut(name, "/"); depthOf(of) < secondDepth {
		if err == nil {
			f.finer, err = s.timeFolders(filepath.Join(s.PublishedDir(), kind), of, time.Now().Add(clockTolerance))
		}
		f.unlisted = err != nil
	}
	f.changed = err != nil || !at.Before(since)
	return f
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// PublishedSince returns the folders of [Store.PublishedDir] in which a name was made or
// removed at or after changed, by the file server's clock, in the form
// "public/2026/11/29/18", with a minute and a second after it where there were many jobs. It looks at the hours from the
// one of first on, or at all of them if first is zero, costs a call for each, and looks into those that have changed: see
// changedBelow. Each folder is opened, so that an
// NFS client's cached attributes don't hide a change.
func (s *Store) PublishedSince(ctx context.Context, first, changed time.Time) ([]string, error) {
	from := ""
	if !first.IsZero() {
		from = hourOf(first)
	}
	var mu sync.Mutex
	var folders []string
	var calls []func() error
	// Each folder is listed before those in it, since a client may remember that one was
	// missing.
	kinds, err := s.list(s.PublishedDir())
	if err != nil {
		return nil, fmt.Errorf("list published hours: %w", err)
	}
	for _, kind := range kinds {
		if !slices.Contains([]string{publicDir, thumbsDir, privateDir}, kind) {
			continue
		}
		hours, err := s.hoursIn(filepath.Join(s.PublishedDir(), kind), from, time.Now().Add(settle))
		if err != nil {
			return nil, fmt.Errorf("list published hours: %w", err)
		}
		var look func(folder string) error
		look = func(folder string) error {
			dir := filepath.Join(s.PublishedDir(), kind, folder)
			at, err := s.folderChanged(dir)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
				return nil // removed meanwhile, or nothing that the store has made
			}
			if err != nil {
				return err
			}
			if at.Before(changed) {
				return nil
			}
			mu.Lock()
			folders = append(folders, path.Join(kind, filepath.ToSlash(folder)))
			mu.Unlock()
			if depthOf(folder) == secondDepth {
				return nil
			}
			finer, err := s.finer(filepath.Join(s.PublishedDir(), kind), folder, time.Now().Add(settle))
			for _, sub := range finer {
				if err == nil {
					err = cmp.Or(ctx.Err(), look(sub))
				}
			}
			return err
		}
		for _, hour := range hours {
			calls = append(calls, func() error { return look(hour) })
		}
	}
	for some := range slices.Chunk(calls, inParallel) {
		err := ctx.Err()
		if err == nil {
			err = together(some...)
		}
		if err != nil {
			return nil, fmt.Errorf("look at published hours: %w", err)
		}
	}
	slices.Sort(folders)
	return folders, nil
}

// PublishedIn returns the names of the pictures in one of those folders, as [Published]
// makes them; none if the folder is gone.
func (s *Store) PublishedIn(folder string) ([]string, error) {
	all, err := s.list(filepath.Join(s.PublishedDir(), filepath.FromSlash(folder)))
	if err != nil {
		return nil, fmt.Errorf("list published pictures: %w", err)
	}
	var names []string
	for _, base := range all {
		name := path.Join(folder, base)
		if _, _, _, ok := ParsePublished(name); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// IDsIn is what the ids of all jobs in a folder such as 2026/11/30/04 or 2026/11/30/04/59 begin with: the leading
// digits of its first and last millisecond that are the same. No finer folder in it has a name that begins so: that has two
// digits.
func IDsIn(folder string) string {
	lengths := map[int]time.Duration{hourDepth: time.Hour, hourDepth + 1: time.Minute, secondDepth: time.Second}
	begin, err := time.Parse(timeForm[:min(len(folder), len(timeForm))], folder)
	if err != nil {
		return ""
	}
	first := fmt.Sprintf("%012x", begin.UnixMilli())
	last := fmt.Sprintf("%012x", begin.Add(lengths[depthOf(folder)]-time.Millisecond).UnixMilli())
	n := 0
	for n < len(first) && first[n] == last[n] {
		n++
	}
	if n > 8 {
		return first[:8] + "-" + first[8:n] // as ids are written
	}
	return first[:n]
}

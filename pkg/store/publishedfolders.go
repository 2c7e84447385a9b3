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
	"strings"
	"time"
)

// PublishedSince returns the folders of [Store.PublishedDir] in which a name was made or removed at
// or after changed, by the file server's clock, in the form "public/2026/11/29/18", with a minute
// and a second after it where there were many jobs. It checks the folders of jobs made from first
// on and before last; a zero time is no limit. Each folder costs one call, because it is opened so
// that an NFS client's cached attributes don't hide a change, and two more if it may have finer
// folders. A folder that can't be read does not stop it: then it returns the others, and one of the
// errors.
func (s *Store) PublishedSince(ctx context.Context, first, last, changed time.Time) ([]string, error) {
	from, to := "", "~" // sorts after all folders
	if !first.IsZero() {
		from = first.UTC().Format(timeForm)
	}
	if !last.IsZero() {
		to = last.UTC().Format(timeForm)
	}
	kinds, err := s.publishedKinds()
	if err != nil {
		return nil, err
	}
	var failed error
	// Each folder is listed before those in it, because a client may have cached that one was
	// missing.
	var level []string
	for _, kind := range kinds {
		hours, err := s.hoursIn(filepath.Join(s.PublishedDir(), kind), from, time.Now().Add(clockTolerance))
		failed = cmp.Or(failed, err)
		for _, hour := range hours {
			if beginsBefore(hour, to) {
				level = append(level, path.Join(kind, filepath.ToSlash(hour)))
			}
		}
	}
	var folders []string
	for len(level) > 0 { // the hours, then their minutes, then the seconds of these
		changedIn, finer, errs := make([]bool, len(level)), make([][]string, len(level)), make([]error, len(level))
		calls := make([]func() error, len(level))
		for i, folder := range level {
			calls[i] = func() error {
				if ctx.Err() == nil {
					changedIn[i], finer[i], errs[i] = s.readPublishedFolder(folder, changed)
				}
				return ctx.Err()
			}
		}
		if err := concurrentlyLimited(calls); err != nil {
			return nil, fmt.Errorf("read published folders: %w", err)
		}
		var next []string
		for i, folder := range level {
			failed = cmp.Or(failed, errs[i])
			if changedIn[i] {
				folders = append(folders, folder)
			}
			kind, _, _ := strings.Cut(folder, "/")
			for _, sub := range finer[i] {
				if sub >= from[:min(len(sub), len(from))] && beginsBefore(sub, to) {
					next = append(next, path.Join(kind, filepath.ToSlash(sub)))
				}
			}
		}
		level = next
	}
	slices.Sort(folders)
	if failed != nil {
		failed = fmt.Errorf("read published folders: %w", failed)
	}
	return folders, failed
}

// beginsBefore reports whether the time of a folder begins before a second in the form of
// [timeForm].
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
	ours := []string{publicDir, thumbsDir, privateDir}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(ours, name) }), nil
}

// readPublishedFolder reports whether a name was made or removed in a folder since a time, and
// returns the folders of times in it. A folder that was removed meanwhile, or that the store has
// not made, is empty and unchanged.
func (s *Store) readPublishedFolder(folder string, since time.Time) (changed bool, finer []string, err error) {
	at, err := s.folderModTime(filepath.Join(s.PublishedDir(), filepath.FromSlash(folder)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	if kind, of, _ := strings.Cut(folder, "/"); depthOf(of) < secondDepth {
		finer, err = s.timeFolders(filepath.Join(s.PublishedDir(), kind), of, time.Now().Add(clockTolerance))
	}
	return !at.Before(since), finer, err
}

// PublishedHours returns the hours, such as 2026/11/29/18, that have folders in
// [Store.PublishedDir], the oldest first: of the public jobs' thumbnails, or if public is false, of
// all pictures.
func (s *Store) PublishedHours(public bool) ([]string, error) {
	kinds := []string{thumbsDir}
	if !public {
		kinds = []string{publicDir, thumbsDir, privateDir}
	}
	var all []string
	for _, kind := range kinds {
		hours, err := s.hoursIn(filepath.Join(s.PublishedDir(), kind), "", time.Now().Add(clockTolerance))
		if err != nil {
			return nil, fmt.Errorf("list published hours: %w", err)
		}
		all = append(all, hours...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// PublishedIn returns the names of the pictures in a folder, as [Published] makes them, without
// those in its finer folders; none if the folder does not exist.
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

// PublishedPrefix returns the prefix of the names of the pictures in a folder: the folder, and what
// the ids of all jobs of its time have in common. With it a copy of the folder in a bucket, which
// has no folders, can be listed with hardly any names of finer folders. A few other names may have
// it too.
func PublishedPrefix(folder string) string {
	_, of, _ := strings.Cut(folder, "/")
	depth := depthOf(of)
	if depth < hourDepth || depth > secondDepth || len(of) > len(timeForm) {
		return folder + "/"
	}
	begin, err := time.Parse(timeForm[:len(of)], of)
	if err != nil {
		return folder + "/"
	}
	length := [...]time.Duration{time.Hour, time.Minute, time.Second}[depth-hourDepth]
	first := fmt.Sprintf("%012x", begin.UnixMilli()) // as ids begin, without the hyphen
	last := fmt.Sprintf("%012x", begin.Add(length-time.Millisecond).UnixMilli())
	n := 0
	for n < len(first) && first[n] == last[n] {
		n++
	}
	const beforeHyphen = 8
	if n > beforeHyphen {
		return folder + "/" + first[:beforeHyphen] + "-" + first[beforeHyphen:n]
	}
	return folder + "/" + first[:n]
}

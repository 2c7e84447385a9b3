package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// countActive counts an owner's jobs in active/.
func (s *Store) countActive(owner string) (int64, error) {
	t, err := s.countTree(filepath.Join(s.dir, activeDir, owner), []string{""}, isMinute)
	if err != nil {
		return 0, err
	}
	return t[0].Jobs, nil
}

// countHours counts an owner's jobs in hours of the index, by hour. The result has no hours without
// jobs.
func (s *Store) countHours(owner string, hours []string) (map[string]hourUsage, error) {
	now := time.Now()
	found, err := s.countTree(filepath.Join(s.dir, ownersDir, owner), hours, func(path string) bool { return isTime(path, now) })
	if err != nil {
		return nil, err
	}
	all := map[string]hourUsage{}
	for i, hour := range hours {
		if found[i] != (hourUsage{}) {
			all[hour] = found[i]
		}
	}
	return all, nil
}

// countTree counts the jobs in some folders of a tree, each with the folders below it, and returns
// a count for each. isFolder reports whether a path in the tree is that of a folder. It lists all
// folders of a level before those of the next, so that concurrentlyLimited bounds how many are
// listed at the same time. If the whole directory is not available the error is
// job.ErrStoreUnavailable: missing folders look like empty ones.
func (s *Store) countTree(tree string, folders []string, isFolder func(path string) bool) ([]hourUsage, error) {
	type part struct {
		path string
		of   int // index in folders
	}
	var level []part
	for i, path := range folders {
		level = append(level, part{path, i})
	}
	counted := make([]hourUsage, len(folders))
	for len(level) > 0 {
		var mu sync.Mutex
		var below []part
		missing := false
		var calls []func() error
		for _, p := range level {
			calls = append(calls, func() error {
				t, finer, err := s.countFolder(tree, p.path, isFolder)
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, fs.ErrNotExist) {
					missing = true
					return nil
				}
				counted[p.of] = counted[p.of].plus(t)
				for _, path := range finer {
					below = append(below, part{path, p.of})
				}
				return err
			})
		}
		err := concurrentlyLimited(calls)
		if err == nil && missing {
			err = s.checkReachable()
		}
		if err != nil {
			return nil, err
		}
		level = below
	}
	return counted, nil
}

// countFolder counts the jobs in a folder, and returns the folders in it.
func (s *Store) countFolder(tree, path string, isFolder func(path string) bool) (t hourUsage, finer []string, err error) {
	names, err := s.listExisting(filepath.Join(tree, path))
	for _, name := range names {
		text, counts, _ := strings.Cut(name, ".")
		if _, err := job.ParseID(text); err != nil {
			if sub := filepath.Join(path, name); isFolder(sub) {
				finer = append(finer, sub)
			}
			continue
		}
		t.Jobs++
		if kib, err := strconv.ParseInt(counts, 10, 64); err == nil && kib >= 0 && kib <= maxStoredKiB {
			t.KiB += kib
		}
	}
	return t, finer, err
}

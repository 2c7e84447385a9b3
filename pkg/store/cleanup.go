package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// removeEmpty removes a folder if it is empty, but not a tree's own.
func (s *Store) removeEmpty(dir string) error {
	if filepath.Dir(dir) == s.dir {
		return nil
	}
	_, err := s.removeIfEmpty(dir)
	return err
}

// removeEmptyUp removes the folder of a time if it is empty, and those above it that are by then.
func (s *Store) removeEmptyUp(dir string) error {
	for len(filepath.Base(dir)) <= len("2006") { // above are the tree's and its owner's
		removed, err := s.removeIfEmpty(dir)
		if err != nil || !removed {
			return err
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// removedEmpty removes a folder if it is empty, and says whether it has.
func (s *Store) removeIfEmpty(dir string) (bool, error) {
	err := s.rmdir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) { // ENOTEMPTY is ErrExist
		return false, nil
	}
	return err == nil, err
}

// CleanUp removes what was left in tmp/ longer ago than age, by processes that
// died. Where one was only stalled, its work there fails and leaves no trace.
func (s *Store) CleanUp(ctx context.Context, now time.Time, age time.Duration) error {
	// Names are [rand.Text]'s.
	ours := func(name string) bool {
		return len(name) == 26 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
	}
	if err := s.removeOld(ctx, tmpDir, ours, now.Add(-age)); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// maxOld bounds what removeOld looks at in one go. They are chosen at random, so
// that in the end it comes to all.
const maxOld = 5000

// removeOld removes files from a folder that are older than a time and have a name as
// the store makes them.
func (s *Store) removeOld(ctx context.Context, dir string, ours func(name string) bool, before time.Time) error {
	names, err := s.list(filepath.Join(s.dir, dir))
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !ours(name) })
	rand.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	for _, name := range names[:min(maxOld, len(names))] {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		path := filepath.Join(s.dir, dir, name)
		at, err := s.modTime(path)
		if err == nil && at.Before(before) {
			err = s.remove(path)
		}
		// Gone meanwhile, or a folder with something in it, and so not ours.
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

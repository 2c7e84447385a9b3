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

// removeEmpty removes a folder if it is empty, except one at the top of the directory.
func (s *Store) removeEmpty(dir string) error {
	if filepath.Dir(dir) == s.dir {
		return nil
	}
	_, err := s.removeIfEmpty(dir)
	return err
}

// removeEmptyUp removes the folder of an hour, minute or second if it is empty, and then the
// folders above it, up to the year's, as far as they have become empty.
func (s *Store) removeEmptyUp(dir string) error {
	for len(filepath.Base(dir)) <= len("2006") { // above the year are the owner's folder and the tree
		removed, err := s.removeIfEmpty(dir)
		if err != nil || !removed {
			return err
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// removeIfEmpty removes a folder if it is empty, and reports whether it has.
func (s *Store) removeIfEmpty(dir string) (bool, error) {
	err := s.rmdir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) { // ENOTEMPTY is ErrExist
		return false, nil
	}
	return err == nil, err
}

// CleanUp removes files in tmp/ that are older than age, and so left by dead processes; now is by
// the file server's clock. If a process was only paused, its operation fails and leaves nothing.
func (s *Store) CleanUp(ctx context.Context, now time.Time, age time.Duration) error {
	// Names of the form that crypto/rand.Text makes.
	ours := func(name string) bool {
		return len(name) == 26 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
	}
	if err := s.removeOld(ctx, tmpDir, ours, now.Add(-age)); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// maxOld is how many files removeOld checks in one call. They are chosen at random, so that with
// more files each is checked in some call.
const maxOld = 5000

// removeOld removes files from a folder if they were written before a time and ours accepts their
// names. It holds all names of the folder, up to mostNames.
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
		// fs.ErrNotExist: another process has removed it. fs.ErrExist: it is a folder with files in
		// it, which the store does not make here.
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

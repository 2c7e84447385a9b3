package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Where a file system has no room for another file (no inode), nothing can be made, and whatever removes jobs makes
// something first: a turn, a mark, a tombstone. So there are some empty files and folders in spare/. Renamed, they
// are what is to be made, which takes no room.
const (
	spareFile   = "file."   // and a number
	spareFolder = "folder." // likewise
	spareClock  = "clock"   // stays: see spareNow

	spareFiles   = 32
	spareFolders = 8
)

// FillSpares makes the spare files and folders that are missing. It is no error that there is no room for them.
func (s *Store) FillSpares() error {
	dir := filepath.Join(s.dir, spareDir)
	names, err := s.list(dir)
	if err != nil {
		return fmt.Errorf("fill the spare files: %w", err)
	}
	fill := func(name string, make func(path string) error) {
		if err == nil && !slices.Contains(names, name) {
			err = make(filepath.Join(dir, name))
		}
	}
	fill(spareClock, s.createEmpty)
	for n := range spareFolders {
		fill(spareFolder+strconv.Itoa(n), func(path string) error { return ignore(s.mkdir(path), fs.ErrExist) })
	}
	for n := range spareFiles {
		fill(spareFile+strconv.Itoa(n), s.createEmpty)
	}
	if err != nil && !isFull(err) {
		return fmt.Errorf("fill the spare files: %w", err)
	}
	return nil
}

// isFull reports whether a file system has no room.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// withSpare makes a call that makes something at a path. Where the file system has no room for that, a spare one of a
// kind is moved there instead; the call's error where there is none either.
func (s *Store) withSpare(kind, path string, call func() error) error {
	err := call()
	if !isFull(err) {
		return err
	}
	if there, terr := s.exists(path); there || terr != nil { // there is no room for its content
		return errors.Join(err, terr)
	}
	dir := filepath.Join(s.dir, spareDir)
	names, lerr := s.list(dir)
	if lerr != nil {
		return errors.Join(err, lerr)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, kind) {
			continue
		}
		if rerr := s.rename(filepath.Join(dir, name), path); rerr == nil {
			return s.touch(path) // it was as old as it was
		} else if !errors.Is(rerr, fs.ErrNotExist) { // else it was taken just now
			return errors.Join(err, rerr)
		}
	}
	return err
}

// createFrugally is createFile for what makes room.
func (s *Store) createWithSpare(path string, b []byte) (made time.Time, err error) {
	spare := false
	err = s.withSpare(spareFile, path, func() (err error) { made, err = s.createFile(path, b); spare = isFull(err); return err })
	if spare && err == nil { // there is an empty file now
		made, err = s.createFile(path, b)
	}
	return made, err
}

// markFrugally is mark for what makes room.
func (s *Store) markWithSpare(path string) error {
	return s.withSpare(spareFile, path, func() error { return s.createEmpty(path) })
}

// mkdirsFrugally is mkdirs for what makes room.
func (s *Store) mkdirsWithSpare(dir string) error {
	return s.mkdirsBy(func(path string) error {
		return s.withSpare(spareFolder, path, func() error { return s.mkdir(path) })
	}, dir, s.dir)
}

// spareNow is the file server's clock where there is no room for a probe file.
func (s *Store) spareServerNow() (time.Time, error) {
	path := filepath.Join(s.dir, spareDir, spareClock)
	if err := s.touch(path); err != nil {
		return time.Time{}, err
	}
	return s.modTime(path)
}

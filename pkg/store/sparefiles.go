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

// If a file system has no inode left, no file can be made. But sweeps and erasures, which free
// inodes, begin with a new file: a turn, a mark, a tombstone. So spare/ has some empty files and
// folders, and one of them is renamed where a new one can't be made.
const (
	spareFile   = "file."   // and a number
	spareFolder = "folder." // likewise
	spareClock  = "clock"   // not used up: see spareServerNow

	spareFiles   = 32
	spareFolders = 8
)

// FillSpares makes the spare files and folders that are missing. It is no error if there is no
// space for them.
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

// isFull reports whether an error means that a file system has no space or no inodes.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// withSpare calls call, which makes a file or folder at path. If the file system is full, it moves
// a spare one there instead: a file or a folder, depending on kind. If there is none, it returns
// the call's error.
func (s *Store) withSpare(kind, path string, call func() error) error {
	err := call()
	if !isFull(err) {
		return err
	}
	if there, terr := s.exists(path); there || terr != nil { // the file was made, and only its content found no space
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
			return s.touch(path) // a spare file has an old time
		} else if !errors.Is(rerr, fs.ErrNotExist) { // else another process has taken it
			return errors.Join(err, rerr)
		}
	}
	return err
}

// createWithSpare is createFile for files that are needed to free space.
func (s *Store) createWithSpare(path string, b []byte) (made time.Time, err error) {
	spare := false
	err = s.withSpare(spareFile, path, func() (err error) { made, err = s.createFile(path, b); spare = isFull(err); return err })
	if spare && err == nil { // path is an empty file now
		made, err = s.createFile(path, b)
	}
	return made, err
}

// markWithSpare is createEmpty for files that are needed to free space.
func (s *Store) markWithSpare(path string) error {
	return s.withSpare(spareFile, path, func() error { return s.createEmpty(path) })
}

// mkdirsWithSpare is mkdirs for folders that are needed to free space.
func (s *Store) mkdirsWithSpare(dir string) error {
	return s.mkdirsBy(func(path string) error {
		return s.withSpare(spareFolder, path, func() error { return s.mkdir(path) })
	}, dir, s.dir)
}

// spareServerNow returns the time by the file server's clock if there is no space for a probe file.
func (s *Store) spareServerNow() (time.Time, error) {
	path := filepath.Join(s.dir, spareDir, spareClock)
	if err := s.touch(path); err != nil {
		return time.Time{}, err
	}
	return s.modTime(path)
}

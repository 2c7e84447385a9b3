package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrOvertaken means that another process has written a note since it was read.
var ErrOvertaken = errors.New("another process has written the note since it was read")

// NoteVersion returns the content of a note's newest version and its number, from 1; nil and 0 if
// there is none. A note is used either with NoteVersion and [Store.SetNoteVersion], or with
// [Store.Note] and [Store.SetNote]. If the error wraps job.ErrDamagedJob, the number is valid.
func (s *Store) NoteVersion(n Note) (content []byte, version int, err error) {
	for {
		names, err := s.list(filepath.Join(s.dir, sweepDir))
		if err != nil {
			return nil, 0, err
		}
		newest := 0
		for _, name := range names {
			newest = max(newest, versionOf(n, name))
		}
		if newest == 0 {
			return nil, 0, nil
		}
		content, _, err = s.readFile(s.versionPath(n, newest))
		if !errors.Is(err, fs.ErrNotExist) || newest == version {
			return content, newest, err
		}
		version = newest // it was replaced since the listing; if the next listing has it too, it can't be read
	}
}

// SetNoteVersion writes the version of a note that follows the version after; 0 if there is none.
// If another process has written a later version than after, it returns [ErrOvertaken] and leaves
// that version as it is, however long this process was paused.
func (s *Store) SetNoteVersion(n Note, after int, content []byte) error {
	tmp := s.tempPath(rand.Text())
	_, err := s.createWithSpare(tmp, content)
	if err == nil {
		err = s.link(tmp, s.versionPath(n, after+1))
	}
	if rerr := s.remove(tmp); err == nil {
		err = rerr
	}
	if errors.Is(err, fs.ErrExist) {
		return ErrOvertaken
	}
	if err == nil {
		err = s.syncDir(filepath.Join(s.dir, sweepDir))
	}
	if err != nil {
		return err
	}
	// The link may have succeeded because versions after it were written and this one was removed.
	names, err := s.list(filepath.Join(s.dir, sweepDir))
	overtaken := false
	for _, name := range names {
		overtaken = overtaken || versionOf(n, name) > after+1
	}
	for _, name := range names {
		if v := versionOf(n, name); v != 0 && (v <= after || overtaken && v == after+1) {
			_ = s.removeTree(filepath.Join(s.dir, sweepDir, name)) // an old version does no harm
		}
	}
	if overtaken {
		return ErrOvertaken
	}
	return err
}

func (s *Store) versionPath(n Note, version int) string {
	return filepath.Join(s.dir, sweepDir, fmt.Sprintf("%s.%d", n, version))
}

// versionOf returns the version of a note that a name has; 0 if it is no such name.
//
// A number above the milliseconds since 1970 was not reached by counting, because each version takes
// longer than that to write. With a fixed limit, nothing could be written any more after a foreign
// file with the last number below it.
func versionOf(n Note, name string) int {
	number, ok := strings.CutPrefix(name, string(n)+".")
	v, err := strconv.Atoi(number)
	if !ok || err != nil || v < 1 || int64(v) > time.Now().UnixMilli() || strconv.Itoa(v) != number {
		return 0
	}
	return v
}

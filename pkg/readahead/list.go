// Package readahead has files read before they are touched, many calls at a time. A
// program's library that lies on a network file system is otherwise read page by page as
// the program runs into it, one call after the other.
package readahead

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A List says which parts of files are wanted.
type List struct {
	Files []File `json:"files"`
}

// A File is one of a list.
type File struct {
	Name   string     `json:"name"`   // below the list's folder
	Size   int64      `json:"size"`   // of the whole file, in bytes: one of another size is another file
	Ranges [][2]int64 `json:"ranges"` // offsets and lengths in bytes
}

// maxList is the most bytes of a list that are read: fifty times what TensorFlow's takes.
const maxList = 1 << 20

// Save writes the list to a file, whole or not at all.
func (l List) Save(path string) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if len(b) > maxList {
		return fmt.Errorf("the list for %s has %d bytes, more than the %d that are read", path, len(b), maxList)
	}
	scratch, err := os.CreateTemp(filepath.Dir(path), ".read-ahead-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(scratch.Name()) }() // gone after the rename
	_, err = scratch.Write(b)
	if err = errors.Join(err, scratch.Chmod(0o644), scratch.Close()); err != nil {
		return err
	}
	return os.Rename(scratch.Name(), path)
}

// load reads a list that Save has written.
func load(f *os.File) (l List, err error) {
	b, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return List{}, err
	}
	if len(b) > maxList {
		return List{}, fmt.Errorf("%s is no list: it has more than %d bytes", f.Name(), maxList)
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return List{}, fmt.Errorf("%s is no list: %w", f.Name(), err)
	}
	return l, nil
}

// maxFiles is how many files of a folder are read ahead.
const maxFiles = 256

// folder lists the files of a folder, whole.
func folder(root *os.Root) (l List, err error) {
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case len(l.Files) == maxFiles:
			return fs.SkipAll
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 {
			l.Files = append(l.Files, File{path, info.Size(), [][2]int64{{0, info.Size()}}})
		}
		return err
	})
	return l, err
}

// plain is for opening what may be anything: a pipe without a writer would be waited for.
const plain = os.O_RDONLY | syscall.O_NONBLOCK

// Package readahead makes the kernel read files before a program uses them, with many requests at a
// time. Without it, a library on a network file system is read page by page as the program reaches
// each page, one request after the other.
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

// A List lists parts of files to read ahead.
type List struct {
	Files []File `json:"files"`
}

// A File is an entry of a list.
type File struct {
	Name   string     `json:"name"`   // relative to the list's folder
	Size   int64      `json:"size"`   // of the whole file, in bytes; a file of another size is refused
	Ranges [][2]int64 `json:"ranges"` // offsets and lengths in bytes
}

// maxList is the largest size of a list in bytes: fifty times the size of TensorFlow's.
const maxList = 1 << 20

// Save writes the list to a file atomically.
func (l List) Save(path string) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if len(b) > maxList {
		return fmt.Errorf("the list for %s has %d bytes, more than the limit of %d", path, len(b), maxList)
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

// load reads a list that Save wrote.
func load(f *os.File) (l List, err error) {
	b, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return List{}, err
	}
	if len(b) > maxList {
		return List{}, fmt.Errorf("%s is not a list: it has more than %d bytes", f.Name(), maxList)
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return List{}, fmt.Errorf("%s is not a list: %w", f.Name(), err)
	}
	return l, nil
}

// maxFiles is how many files of a folder are read ahead at most.
const maxFiles = 256

// folder returns a list of the whole files of a folder and its subfolders.
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

// openFlags open a file for reading without blocking, even if it is a pipe that nobody writes to.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

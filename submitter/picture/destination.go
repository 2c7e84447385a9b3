package picture

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Destination is the place that a result is written to.
type Destination struct {
	Path  string // "" is standard output
	Force bool   // replace an existing file
}

// IsFolder reports whether a path is a folder, or is written as one, with a separator at
// its end.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, string(filepath.Separator))
}

// MakeFolder makes a folder for results, unless it exists.
func MakeFolder(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("make a folder for results: %w", err)
	}
	return nil
}

// Check returns an error if a result could not be written to the destination: so a caller
// learns of it before anything is sent. The error is an
// [ExistsError] for an existing file that must not be replaced.
func (d *Destination) Check() error {
	if d.Path == "" {
		return nil
	}
	if err := d.checkTarget(); err != nil {
		return err
	}
	return CheckWritable(d.Path)
}

func (d *Destination) checkTarget() error {
	folder := filepath.Dir(d.Path)
	if info, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return fmt.Errorf("there is no folder %s: make it first", folder)
	}
	info, err := os.Lstat(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !d.Force:
		return &ExistsError{Path: d.Path}
	case !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("%s is not a regular file and can't be replaced; -o - writes to standard output", d.Path)
	}
	return nil
}

// An ExistsError is the error for files that exist and must not be replaced. It wraps
// [fs.ErrExist].
type ExistsError struct {
	Path   string // of the first file
	Others int    // how many more there are
}

func (e *ExistsError) Error() string {
	if e.Others == 0 {
		return e.Path + " exists already"
	}
	return fmt.Sprintf("%s exists already, and %d more", e.Path, e.Others)
}

func (*ExistsError) Unwrap() error { return fs.ErrExist }

// Holds reports whether the destination is a file that has the given size in bytes and
// SHA-256 (in hexadecimal) already.
func (d *Destination) Holds(size int64, sum string) bool {
	if d.Path == "" {
		return false
	}
	if info, err := os.Stat(d.Path); err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false
	}
	f, err := os.Open(d.Path)
	if err != nil {
		return false
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return err == nil && hex.EncodeToString(hash.Sum(nil)) == sum
}

// Write writes what fill produces to the destination, whole or not at all: the file appears
// under its name, or stdout is written to, only after fill has returned nil.
func (d *Destination) Write(stdout io.Writer, fill func(*os.File) error) error {
	if d.Path == "" {
		return writeStdout(stdout, fill)
	}
	tmp, err := createTemporary(d.Path)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // after a rename there is nothing to remove
	if err = fill(tmp); err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := d.checkTarget(); err != nil { // it may have appeared meanwhile
		return err
	}
	if d.Force {
		return os.Rename(tmp.Name(), d.Path)
	}
	// A link, unlike a rename, replaces nothing. On a file system without links, the check
	// above has to do.
	err = os.Link(tmp.Name(), d.Path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return &ExistsError{Path: d.Path}
	case err != nil:
		return os.Rename(tmp.Name(), d.Path)
	}
	return nil
}

func writeStdout(stdout io.Writer, fill func(*os.File) error) error {
	tmp, err := unnamedFile()
	if err != nil {
		return err
	}
	defer tmp.Close()
	if err := fill(tmp); err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(stdout, tmp); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

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

// A Destination is where a result is written.
type Destination struct {
	Path  string // "" is standard output
	Force bool   // replace an existing file
}

// IsFolder reports whether a path is a folder, or ends in a separator, which means that it stands
// for a folder.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, string(filepath.Separator))
}

// MakeFolder creates a folder for results if it does not exist.
func MakeFolder(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("make a folder for results: %w", err)
	}
	return nil
}

// Check returns an error if a result can't be written to the destination, so that the caller finds
// out before anything is sent. If a file exists there and must not be replaced, the error is an
// [ExistsError].
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

// Holds reports whether the destination is a file with this size in bytes and this SHA-256 (in
// hexadecimal): then it has the result already.
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

// Write writes to the destination what fill writes to a temporary file. If fill returns an error,
// nothing appears at the destination.
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
	// Unlike a rename, a link never replaces a file. On a file system without links, the check
	// above must be enough.
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

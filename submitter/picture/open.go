// Package picture handles the files of pictures on this machine: it opens those that are sent, and
// writes results so that they appear complete or not at all.
package picture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A File is a picture to be sent. While it is open its length and content stay the same, and it can
// be read repeatedly, also concurrently.
type File struct {
	*os.File
	Size int64 // bytes
}

// Stdin stands for standard input where a file is named.
const Stdin = "-"

// ErrTerminal is returned by [Open] for [Stdin] if standard input is a terminal.
var ErrTerminal = errors.New("standard input is a terminal: pipe a picture into it, or name a file")

// maxSpool is how many bytes are copied from a pipe, so that an endless pipe does not fill the
// disk. The API sets the limit on pictures, which is lower.
const maxSpool = 1 << 30

// Open opens a file or, for [Stdin], stdin, which is nil if standard input is a terminal. A pipe is
// first copied to a temporary file. The caller closes the File.
func Open(ctx context.Context, path string, stdin io.Reader) (*File, error) {
	if path == Stdin {
		if stdin == nil {
			return nil, ErrTerminal
		}
		return Spool(ctx, "standard input", stdin)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file", path)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder: name a picture in it", path)
	case !info.Mode().IsRegular():
		defer file.Close()
		return Spool(ctx, path, file)
	case info.Size() == 0:
		err = fmt.Errorf("%s is empty", path)
	default:
		return &File{file, info.Size()}, nil
	}
	_ = file.Close() // it was only opened
	return nil, err
}

// Spool copies what r returns to a temporary file and returns it. Closing the File removes it. name
// is its name in errors.
func Spool(ctx context.Context, name string, r io.Reader) (*File, error) {
	file, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	// A read from a pipe can't be interrupted: after a signal it goes on until the process
	// ends.
	var n int64
	copied := make(chan error, 1)
	go func() {
		var err error
		n, err = io.Copy(file, io.LimitReader(r, maxSpool+1))
		copied <- err
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	switch {
	case err != nil:
		err = fmt.Errorf("read %s: %w", name, err)
	case n == 0:
		err = fmt.Errorf("%s is empty", name)
	case n > maxSpool:
		err = fmt.Errorf("%s is longer than a gibibyte", name)
	default:
		return &File{file, n}, nil
	}
	_ = file.Close() // which also frees its space
	return nil, err
}

// unnamedFile creates a temporary file that disappears when it is closed.
func unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "submitter-*")
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	return file, nil
}

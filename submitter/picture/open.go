// Package picture handles pictures as files of this machine: it opens those to send, and
// writes results whole or not at all.
package picture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A File is a picture to send. Its length and content stay the same while it is open, and
// it can be read any number of times, also concurrently.
type File struct {
	*os.File
	Size int64 // bytes
}

// Stdin is the name of a picture that comes from standard input.
const Stdin = "-"

// ErrTerminal is the error of [Open] for a picture that would have to be typed.
var ErrTerminal = errors.New("standard input is a terminal: pipe a picture into it, or name a file")

// maxSpool is the number of bytes that are copied from a pipe at most. It is no limit on
// pictures, which the API sets: an endless pipe must not fill the disk.
const maxSpool = 1 << 30

// Open opens a file, or stdin for [Stdin], which is nil where standard input is a terminal.
// Pipes are copied to a temporary file first. The caller closes the File.
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

// Spool copies what r returns to a temporary file, which Close removes. The name is for
// errors.
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

// unnamedFile makes a temporary file that vanishes when it is closed.
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

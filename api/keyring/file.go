package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
)

// A file is an origin of keys that is a file. It is examined at every lookup, which takes one
// system call.
type file struct {
	path string
	log  *slog.Logger
	info fs.FileInfo // of the last read; nil after an error
}

func (f *file) String() string { return f.path }

func (f *file) due() bool { return true }

// read reads the file if it has changed. It examines the file before it reads the content, so that
// a change during the read is noticed at the next call.
func (f *file) read() (text []byte, changed bool, err error) {
	info, err := os.Stat(f.path) // before opening, which blocks on a pipe
	if err == nil && f.info != nil && isUnchanged(info, f.info) {
		return nil, false, nil
	}
	f.info = nil
	if err != nil {
		return nil, false, errors.Unwrap(err) // the caller adds the path
	}
	if !info.Mode().IsRegular() {
		f.info = info
		return nil, false, errors.New("it is not a regular file")
	}
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, false, errors.Unwrap(err)
	}
	defer opened.Close()
	text, err = io.ReadAll(io.LimitReader(opened, maxText+1))
	if err == nil && len(text) > maxText {
		f.info = info // it is not read again until it changes
		err = errTooLong
	}
	if err != nil {
		return nil, false, err
	}
	f.info = info
	if mode := info.Mode().Perm(); mode&0o006 != 0 {
		f.log.Warn("every user of this machine can read or change the file of keys; chmod 600 prevents that", "file", f.path, "mode", fmt.Sprintf("%o", mode))
	}
	return text, true, nil
}

var errTooLong = fmt.Errorf("it is larger than %d bytes", maxText)

// isUnchanged reports whether a file is the same as when it was examined before. It compares the
// change time too, because a program that rewrites a file in place can set the modification time
// back.
func isUnchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && changeTime(a).Equal(changeTime(b))
}

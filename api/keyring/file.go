package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
)

// A file of keys, as an origin. It is examined whenever somebody asks: that costs one
// system call.
type file struct {
	path string
	log  *slog.Logger
	info fs.FileInfo // of what was read last; nil where that failed
}

func (f *file) String() string { return f.path }

func (f *file) due() bool { return true }

// read reads the file if it has changed. The file's identity is taken before its
// content, so that a change during the read is a change.
func (f *file) read() (text []byte, changed bool, err error) {
	info, err := os.Stat(f.path) // before it is opened, which waits for ever on a pipe
	if err == nil && f.info != nil && isUnchanged(info, f.info) {
		return nil, false, nil
	}
	f.info = nil
	if err != nil {
		return nil, false, errors.Unwrap(err) // the path is named already
	}
	if !info.Mode().IsRegular() {
		f.info = info
		return nil, false, errors.New("it is not a file")
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
		f.log.Warn("the file of keys is open to every user of the machine; chmod 600 closes it", "file", f.path, "mode", fmt.Sprintf("%o", mode))
	}
	return text, true, nil
}

var errTooLong = fmt.Errorf("it is larger than %d bytes", maxText)

// same is whether a file is unchanged. The change time is compared too, since a
// program that rewrites a file in place can set the time of modification back.
func isUnchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && changeTime(a).Equal(changeTime(b))
}

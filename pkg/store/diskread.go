package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
)

// maxRecord is the largest file that is read as one of the store's own records, in
// bytes. They have a few kilobytes.
const maxRecord = 64 << 10

// errUnreadable: a file of ours is not what it should be. Everybody who has the
// directory can write into it, so nothing in there is believed unchecked.
var errUnreadable = job.ErrDamagedJob

// unreadable is errUnreadable of a file, and an error of the file system too, which may
// be that of all files.
func unreadable(path string, why error) error {
	return fmt.Errorf("%w: %w", errUnreadable, &fs.PathError{Op: "open", Path: filepath.Base(path), Err: why})
}

// readFile reads a record, and when it was written by the file server's clock. What
// is too large for one, or is no regular file, is errUnreadable.
func (d *disk) readFile(path string) (b []byte, written time.Time, err error) {
	return d.readUpTo(path, maxRecord)
}

// readUpTo is readFile of a file of at most max bytes. A replaced file's handle can go
// stale on NFS between open and read: then the new one is read.
func (d *disk) readUpTo(path string, max int64) (b []byte, written time.Time, err error) {
	err = retryStale(func() (err error) { b, written, err = d.readOnce(path, max); return err })
	return b, written, err
}

func (d *disk) readOnce(path string, max int64) (b []byte, written time.Time, err error) {
	f, info, err := d.openFile(path)
	if err != nil {
		return nil, written, err
	}
	defer func() { _ = f.Close() }() // read only
	if info.Size() > max {
		return nil, written, unreadable(path, fmt.Errorf("%d bytes, and there are %d at most", info.Size(), max))
	}
	b, written = make([]byte, info.Size()), info.ModTime()
	err = d.do("read", path, func() error {
		_, err := f.ReadAt(b, 0)
		return err
	})
	return b, written, err
}

// openFile opens a file to read from. What is no regular file, or is reached by a
// symbolic link below the store's directory, is errUnreadable. The caller closes it.
func (d *disk) openFile(path string) (f *os.File, info fs.FileInfo, err error) {
	f, err = d.open("open", path, func() (f *os.File, err error) {
		if f, err = openNoLinks(path, unix.O_RDONLY); err == nil {
			info, err = f.Stat() // came with the open
		}
		return f, err
	})
	if err == nil && !info.Mode().IsRegular() {
		_ = f.Close() // it was not read
		return nil, nil, unreadable(path, errors.New("no regular file"))
	}
	return f, info, err
}

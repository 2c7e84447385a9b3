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

// maxRecord is the largest size in bytes of a file that is read as a record of the store. Records
// have a few kilobytes.
const maxRecord = 64 << 10

// errUnreadable: a file of the store does not have the expected form. Any process with access to
// the directory can write into it, so everything that is read is checked.
var errUnreadable = job.ErrDamagedJob

// unreadable wraps errUnreadable for a file, together with an error of the file system.
func unreadable(path string, why error) error {
	return fmt.Errorf("%w: %w", errUnreadable, &fs.PathError{Op: "open", Path: filepath.Base(path), Err: why})
}

// readFile reads a record, and returns when it was last written or touched, by the file server's
// clock. For a file that is larger than maxRecord, or not a regular file, it returns errUnreadable.
func (d *disk) readFile(path string) (b []byte, written time.Time, err error) {
	return d.readUpTo(path, maxRecord)
}

// readUpTo is readFile with another limit, in bytes. On NFS the handle of a file that is replaced
// can become stale between open and read; then the new file is read.
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
		return nil, written, unreadable(path, fmt.Errorf("%d bytes; at most %d are allowed", info.Size(), max))
	}
	b, written = make([]byte, info.Size()), info.ModTime()
	err = d.do("read", path, func() error {
		_, err := f.ReadAt(b, 0)
		return err
	})
	return b, written, err
}

// openFile opens a file for reading. For a file that is not regular, or whose path has a symbolic
// link below the store's directory, it returns errUnreadable. The caller closes the file.
func (d *disk) openFile(path string) (f *os.File, info fs.FileInfo, err error) {
	f, err = d.open("open", path, func() (f *os.File, err error) {
		if f, err = openNoLinks(path, unix.O_RDONLY); err == nil {
			info, err = f.Stat() // no further call: the attributes came with the open
		}
		return f, err
	})
	if err == nil && !info.Mode().IsRegular() {
		_ = f.Close() // opened for reading only
		return nil, nil, unreadable(path, errors.New("not a regular file"))
	}
	return f, info, err
}

package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
)

// writeFile makes path with the content b, replacing what was there: readers
// see the old file or the new one, whole, also after a crash.
func writeFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr // NFS reports a full disk at close
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error is the one to tell
		return err
	}
	return syncDir(filepath.Dir(path))
}

// createFile makes a new file that nobody can see yet, or that only its maker
// may name: it must not exist. Left in part after an error.
func createFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// readFile reads a whole file. A replaced file's old handle can go stale on
// NFS between open and read: then the new one is read.
func readFile(path string) ([]byte, error) {
	for range 3 {
		b, err := os.ReadFile(path)
		if !errors.Is(err, syscall.ESTALE) {
			return b, err
		}
	}
	return os.ReadFile(path)
}

// missing tells a job that is not there from a shared directory that is not:
// where the mark at its top is missing too, it is not mounted.
func (s *Store) missing() error {
	if _, err := os.Stat(filepath.Join(s.dir, formatFile)); err != nil {
		return fmt.Errorf("%w: %w", job.ErrStoreAway, err)
	}
	return job.ErrNotFound
}

// readJSON reads a file of ours. A missing one is fs.ErrNotExist.
func readJSON(path string, v any) error {
	b, err := readFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// touch sets path's modification time by the file server's clock, not ours:
// UTIME_NOW goes over NFS as "set to server time".
func touch(path string) error {
	now := unix.Timespec{Nsec: unix.UTIME_NOW}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{now, now}, 0); err != nil {
		return &fs.PathError{Op: "touch", Path: path, Err: err}
	}
	return nil
}

// now is the file server's clock, read off a probe file. Ages of claims are
// differences between two times of this one clock.
func (s *Store) now() (time.Time, error) {
	probe, err := os.CreateTemp(filepath.Join(s.dir, "clock"), "probe-*")
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = os.Remove(probe.Name()) }()
	_, err = io.WriteString(probe, ".")
	if cerr := probe.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(probe.Name())
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The functions in this file follow no symbolic link on the way to a name. Each opens the name's
// folder by openFd and then uses that descriptor, so replacing a part of the path in between has no
// effect.
//
// A descriptor without read access (O_PATH) costs an NFS client only the lookups that a call by
// path makes as well, so disk.do does not count it.

// inFolder calls f with the open folder of a path, and the last part of the path.
func inFolder(op, path string, f func(dir int, name string) error) error {
	dir, err := openFd(filepath.Dir(path), folderFlags)
	if err != nil {
		return folderError(op, path, err)
	}
	defer func() { _ = unix.Close(dir) }() // not written to
	if err := retryInterrupted(func() error { return f(dir, filepath.Base(path)) }); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// inFolders is inFolder for calls with two paths.
func inFolders(op, from, to string, f func(fromDir int, from string, toDir int, to string) error) error {
	dir, err := openFd(filepath.Dir(from), folderFlags)
	if err != nil {
		return folderError(op, from, err)
	}
	defer func() { _ = unix.Close(dir) }() // not written to
	return inFolder(op, to, func(toDir int, name string) error { return f(dir, filepath.Base(from), toDir, name) })
}

func folderError(op, path string, err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) { // a link, or a file
		return unreadable(path, err)
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// retryInterrupted repeats a call that was interrupted by a signal.
func retryInterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// openNoLinks opens a path. If the store's directory or a part of the path below it is a symbolic
// link, the error is errUnreadable. Opening a pipe does not wait for its other end.
func openNoLinks(path string, flags int) (*os.File, error) {
	fd, err := openFd(path, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	// A link; a pipe without a reader, or a socket; a file in place of a folder.
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOTDIR) {
		return nil, unreadable(path, err)
	}
	if err == nil {
		err = unix.SetNonblock(fd, false) // needed only while it is opened
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func openFolder(path string) (*os.File, error) {
	return openNoLinks(path, unix.O_RDONLY|unix.O_DIRECTORY)
}

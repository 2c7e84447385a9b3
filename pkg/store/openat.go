package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The calls of this file change and look at names, and follow no symbolic link on the
// way to them: each opens the name's folder as openFd does, and then goes by that
// descriptor, so that nobody can exchange a part of the path in between.
//
// A descriptor that is only a place in the tree (O_PATH) costs an NFS client no more
// than the walk that a call by path makes too: disk.do does not count it.

// inFolder calls f with the folder of a path, open, and the path's last part.
func inFolder(op, path string, f func(dir int, name string) error) error {
	dir, err := openFd(filepath.Dir(path), folderFlags)
	if err != nil {
		return folderError(op, path, err)
	}
	defer func() { _ = unix.Close(dir) }() // nothing was written by it
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
	defer func() { _ = unix.Close(dir) }() // nothing was written by it
	return inFolder(op, to, func(toDir int, name string) error { return f(dir, filepath.Base(from), toDir, name) })
}

func folderError(op, path string, err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) { // a link, or a file
		return unreadable(path, err)
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// uninterrupted repeats a call that a signal has ended.
func retryInterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// openNoLinks opens a path of which the store's directory and what is below it have
// no symbolic links: where there is one, that is errUnreadable. It does not wait for
// the other end of a pipe.
func openNoLinks(path string, flags int) (*os.File, error) {
	fd, err := openFd(path, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	// A link; a pipe that nobody reads, or a socket; a file where a folder should be.
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOTDIR) {
		return nil, unreadable(path, err)
	}
	if err == nil {
		err = unix.SetNonblock(fd, false) // it has waited for nothing by now
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func openFolder(path string) (*os.File, error) {
	return openNoLinks(path, unix.O_RDONLY|unix.O_DIRECTORY)
}

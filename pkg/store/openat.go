package store

import (
	"errors"
	"fmt"
	"io"
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

// removeAt removes a file or an empty folder.
func removeAt(dir int, name string) error {
	err := retryInterrupted(func() error { return unix.Unlinkat(dir, name, 0) })
	if err == nil {
		return nil
	}
	// Which error tells of a folder differs between systems.
	if ferr := retryInterrupted(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) }); !errors.Is(ferr, unix.ENOTDIR) {
		return ferr
	}
	return err
}

// maxDepth bounds the descriptors that are open at a time while a tree is removed. Ours are
// jobs' folders, without folders in them.
const maxDepth = 8

// maxRefills is how often a folder is emptied again, into which others have written meanwhile:
// they stop when they notice that it is being removed.
const maxRefills = 16

// removeTreeAt removes a file, or a folder with all that is in it, and no more than the
// links of links. A job's spec goes last: by it, whoever goes on knows what is left to do. What
// is gone is as good. errInUse: all is removed that can be.
func removeTreeAt(dir int, name string, depth int) error {
	err := removeAt(dir, name)
	for range maxRefills {
		if !errors.Is(err, fs.ErrExist) { // ENOTEMPTY is ErrExist
			break
		}
		if depth == maxDepth {
			return fmt.Errorf("more than %d folders deep", maxDepth)
		}
		if err = emptyAt(dir, name, depth); err == nil {
			err = retryInterrupted(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// emptyAt removes all that is in a folder. It opens it anew, so that an NFS client asks the
// server what that is.
func emptyAt(dir int, name string, depth int) error {
	fd := -1
	err := retryInterrupted(func() (err error) {
		fd, err = unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer func() { _ = f.Close() }() // read only
	inUse, last := 0, ""             // of those that were read since the start
	for {
		names, err := f.Readdirnames(1024)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		removed := false
		for _, inside := range names {
			if inside == specFile {
				last = inside
				continue
			}
			switch err := removeTreeAt(fd, inside, depth+1); {
			case err == nil:
				removed = true
			case errors.Is(err, errInUse) || errors.Is(err, unix.EBUSY):
				inUse++
			default:
				return err
			}
		}
		if removed {
			// From the start again: a removal may move what is yet to be read.
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
			inUse, last = 0, ""
		}
	}
	if inUse > 0 {
		return errInUse
	}
	if last != "" {
		return removeTreeAt(fd, last, depth+1)
	}
	return nil
}

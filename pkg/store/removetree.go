package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// errInUse: all files of a folder are removed except those that a program on this machine has open.
// An NFS client keeps these under names of its own (.nfs…) until they are closed, and refuses to
// remove them before (EBUSY). The client on another machine can remove them at once.
var errInUse = errors.New("a file in it is open on this machine")

// removeTree removes a folder with the files and folders in it, up to maxDepth. errInUse: the
// folder is left, to be removed later.
func (d *disk) removeTree(path string) error {
	err := d.byPath("remove", path, func() error {
		return inFolder("remove", path, func(dir int, name string) error { return removeTreeAt(dir, name, 0) })
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the folder above it is gone too
	}
	return err
}

// removeAt removes a file or an empty folder.
func removeAt(dir int, name string) error {
	err := retryInterrupted(func() error { return unix.Unlinkat(dir, name, 0) })
	if err == nil {
		return nil
	}
	// It may be a folder: the error of unlink for one differs between systems.
	if ferr := retryInterrupted(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) }); !errors.Is(ferr, unix.ENOTDIR) {
		return ferr
	}
	return err
}

// maxDepth bounds the descriptors that are open at the same time while a tree is removed. The
// store's own trees are jobs' folders, which have no folders in them.
const maxDepth = 8

// maxRefills is how often a folder is emptied because other processes still write into it. They
// stop when they notice that it is being removed.
const maxRefills = 16

// removeTreeAt removes a file, or a folder with everything in it. Symbolic links are removed, not
// followed. A job's spec is removed last, because a process that continues an interrupted removal
// needs it. It is no error if something is already gone. errInUse: everything that can be removed
// is removed.
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

// emptyAt removes everything in a folder. It opens the folder again, so that an NFS client asks the
// server for the names.
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
	inUse, last := 0, ""             // counted since the last rewind
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
			// Begin again: a removal may move names that are still to be read.
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

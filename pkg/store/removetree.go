package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// errInUse: a folder has all its files removed but those that a program on this machine
// has open. An NFS client keeps these under names of its own (.nfs…) for as long as they
// are open, and refuses to remove them (EBUSY); then it removes them itself. The client on
// another machine removes them at once.
var errInUse = errors.New("a file in it is open on this machine")

// removeTree removes a folder of files, with folders that are not deep among them.
// errInUse: the folder is left, to be removed later.
func (d *disk) removeTree(path string) error {
	err := d.byPath("remove", path, func() error {
		return inFolder("remove", path, func(dir int, name string) error { return removeTreeAt(dir, name, 0) })
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its folder is gone too
	}
	return err
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

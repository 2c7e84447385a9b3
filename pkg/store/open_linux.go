package store

import (
	"cmp"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// hasOpenat2 reports whether the kernel has the system call openat2, and no sandbox refuses it.
var hasOpenat2 = sync.OnceValue(func() bool {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err == nil {
		_ = unix.Close(fd) // not written to
	}
	return err == nil
})

// folderFlags open a folder without read access, so that it need not be readable.
const folderFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC | unix.O_NOFOLLOW

const fileMode = 0o640 // of files that are created

// openFd opens an absolute path and follows no symbolic link in it: in one call for the whole path,
// or on kernels without openat2 in one call for each part.
func openFd(path string, flags int) (fd int, err error) {
	if !hasOpenat2() {
		return openParts(path, flags)
	}
	how := &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_NO_SYMLINKS}
	if flags&unix.O_CREAT != 0 {
		how.Mode = fileMode
	}
	err = retryInterrupted(func() (err error) { fd, err = unix.Openat2(unix.AT_FDCWD, path, how); return err })
	return fd, err
}

func openParts(path string, flags int) (fd int, err error) {
	at := func(dir int, name string, flags int) (fd int, err error) {
		err = retryInterrupted(func() (err error) { fd, err = unix.Openat(dir, name, flags, fileMode); return err })
		return fd, err
	}
	dir, err := at(unix.AT_FDCWD, "/", folderFlags)
	if err != nil {
		return -1, err
	}
	above, last := filepath.Split(path)
	for part := range strings.SplitSeq(above, "/") {
		if part == "" {
			continue
		}
		next, err := at(dir, part, folderFlags)
		_ = unix.Close(dir) // not written to
		if err != nil {
			return -1, err
		}
		dir = next
	}
	defer func() { _ = unix.Close(dir) }() // not written to
	return at(dir, cmp.Or(last, "."), flags|unix.O_NOFOLLOW)
}

// statSpace returns the space of the file system that contains a path.
func statSpace(path string) (s diskSpace, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return s, err
	}
	unit := uint64(st.Frsize)
	if unit == 0 {
		unit = uint64(st.Bsize)
	}
	return diskSpace{st.Bavail * unit, st.Blocks * unit, st.Ffree, st.Files}, nil
}

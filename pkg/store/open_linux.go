package store

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// hasOpenat2 says whether this kernel has the call, and no sandbox refuses it.
var hasOpenat2 = sync.OnceValue(func() bool {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err == nil {
		_ = unix.Close(fd) // nothing was written
	}
	return err == nil
})

// openFd opens a path that has no symbolic links, in one call for all of its parts;
// where that can't be had, only its last part is known to be none.
func openFd(path string, flags int) (fd int, err error) {
	const mode = 0o640 // of what is made
	how := &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_NO_SYMLINKS}
	if flags&unix.O_CREAT != 0 {
		how.Mode = mode
	}
	for {
		if hasOpenat2() {
			fd, err = unix.Openat2(unix.AT_FDCWD, path, how)
		} else {
			fd, err = unix.Open(path, flags, mode)
		}
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// freeSpace is how many bytes are free for us on the file system of a path, and how
// many it has.
func freeSpace(path string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	unit := uint64(st.Frsize)
	if unit == 0 {
		unit = uint64(st.Bsize)
	}
	return st.Bavail * unit, st.Blocks * unit, nil
}

//go:build !linux

package store

import (
	"errors"

	"golang.org/x/sys/unix"
)

// openFd opens a path whose last part is no symbolic link.
func openFd(path string, flags int) (fd int, err error) {
	for {
		if fd, err = unix.Open(path, flags, 0o640); !errors.Is(err, unix.EINTR) {
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
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

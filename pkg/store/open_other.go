//go:build !linux

package store

import "golang.org/x/sys/unix"

const folderFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC | unix.O_NOFOLLOW

// openFd opens a path and does not follow its last part if that is a symbolic link. Links in the
// other parts are followed.
func openFd(path string, flags int) (fd int, err error) {
	err = retryInterrupted(func() (err error) { fd, err = unix.Open(path, flags, 0o640); return err })
	return fd, err
}

// statSpace returns the space of the file system that contains a path.
func statSpace(path string) (s diskSpace, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return s, err
	}
	return diskSpace{st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), st.Ffree, st.Files}, nil
}

package store

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func (d *disk) link(from, to string) error {
	return d.byPath("link", to, func() error {
		return inFolders("link", from, to, func(fromDir int, from string, toDir int, to string) error {
			return unix.Linkat(fromDir, from, toDir, to, 0)
		})
	}, from)
}

func (d *disk) rename(from, to string) error {
	return d.byPath("rename", to, func() error { return inFolders("rename", from, to, unix.Renameat) }, from)
}

// remove removes a file or an empty folder. It is no error if it does not exist.
func (d *disk) remove(path string) error {
	_, err := d.unlink(path)
	return err
}

// unlink is remove, and reports whether it removed something. The name that an NFS client keeps for
// a removed file that is open (see errInUse) can't be removed, and that is no error.
func (d *disk) unlink(path string) (there bool, err error) {
	err = d.byPath("remove", path, func() error { return inFolder("remove", path, removeAt) })
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EBUSY) { // see errInUse
		return false, nil
	}
	return err == nil, err
}

// rmdir removes an empty folder, but not a file.
func (d *disk) rmdir(path string) error {
	return d.byPath("remove", path, func() error {
		return inFolder("rmdir", path, func(dir int, name string) error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
	})
}

// exists reports whether there is a file or folder at path.
func (d *disk) exists(path string) (bool, error) {
	_, err := d.modTime(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	return err == nil, err
}

// modTime returns when path was last written or touched, by the file server's clock.
func (d *disk) modTime(path string) (at time.Time, err error) {
	err = d.byPath("stat", path, func() error {
		var st unix.Stat_t
		err := inFolder("stat", path, func(dir int, name string) error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if err == nil {
			at = time.Unix(st.Mtim.Unix())
		}
		return err
	})
	return at, err
}

// touch sets the modification time of path to the file server's present time. Over NFS, a call
// without a time means "set to server time".
func (d *disk) touch(path string) error { return d.setTimes(path, nil) }

// setTime sets the modification time of path to a given time.
func (d *disk) setTime(path string, at time.Time) error {
	both := unix.NsecToTimespec(at.UnixNano())
	return d.setTimes(path, []unix.Timespec{both, both})
}

func (d *disk) setTimes(path string, times []unix.Timespec) error {
	return d.byPath("touch", path, func() error {
		return inFolder("touch", path, func(dir int, name string) error {
			return unix.UtimesNanoAt(dir, name, times, unix.AT_SYMLINK_NOFOLLOW)
		})
	})
}

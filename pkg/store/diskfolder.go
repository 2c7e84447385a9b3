package store

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mostNames is how many names of a folder are read at most, so that time and memory stay bounded.
// The store's own folders stay far below it.
const mostNames = 1 << 20

func (d *disk) mostNames() int { return cmp.Or(d.most, mostNames) }

// openDir opens a folder and lists it. The caller closes it.
func (d *disk) openDir(path string) (dir *os.File, names []string, err error) {
	err = retryStale(func() error {
		if dir, err = d.open("open", path, func() (*os.File, error) { return openFolder(path) }); err != nil {
			return err
		}
		if err = d.do("readdir", path, func() (err error) { names, err = d.readNames(dir); return err }); err != nil {
			_ = dir.Close() // read only
			dir, names = nil, nil
		}
		return err
	})
	return dir, names, err
}

// readNames reads the names in an open folder, up to mostNames.
func (d *disk) readNames(dir *os.File) (names []string, err error) {
	for len(names) < d.mostNames() {
		more, err := dir.Readdirnames(min(d.mostNames()-len(names), 8192))
		names = append(names, more...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// listAgain lists an open folder from its start.
func (d *disk) listAgain(dir *os.File) (names []string, err error) {
	err = d.onOpenFile("readdir", dir.Name(), func() (err error) {
		if _, err = dir.Seek(0, io.SeekStart); err == nil {
			names, err = d.readNames(dir)
		}
		return err
	})
	return names, err
}

// list returns the names in a folder; none if it does not exist or is not a folder.
func (d *disk) list(path string) ([]string, error) {
	names, err := d.listExisting(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return names, err
}

// listExisting is list, but if the folder does not exist it returns fs.ErrNotExist.
func (d *disk) listExisting(path string) ([]string, error) {
	dir, names, err := d.openDir(path)
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, errUnreadable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return names, dir.Close()
}

// refresh opens a folder, which makes an NFS client ask the server whether the cached names in it
// are still valid (close-to-open consistency, which Linux provides for folders too).
func (d *disk) refresh(dir string) error {
	f, err := d.open("open", dir, func() (*os.File, error) { return openFolder(dir) })
	if err != nil {
		return err
	}
	return f.Close()
}

// refreshPath is refresh for a folder that may exist although the client has cached that it, or a
// folder above it, is missing. It refreshes the folders from the last one above it that is found,
// downwards. top, which is above dir, must exist.
func (d *disk) refreshPath(dir, top string) error {
	err := d.refresh(dir)
	if !errors.Is(err, fs.ErrNotExist) || dir == top {
		return err
	}
	if err := d.refreshPath(filepath.Dir(dir), top); err != nil {
		return err
	}
	return d.refresh(dir)
}

// folderModTime returns when a name was last made or removed in a folder. It opens the folder for
// the same reason as refresh.
func (d *disk) folderModTime(dir string) (at time.Time, err error) {
	f, err := d.open("open", dir, func() (*os.File, error) {
		f, err := openFolder(dir)
		if err == nil {
			var info fs.FileInfo
			if info, err = f.Stat(); err == nil {
				at = info.ModTime()
			}
		}
		return f, err
	})
	if err != nil {
		return at, err
	}
	return at, f.Close()
}

// syncDir makes the names in a folder durable. On NFS they already are, and the sync costs nothing.
func (d *disk) syncDir(path string) error {
	return retryStale(func() error {
		dir, err := d.open("open", path, func() (*os.File, error) { return openFolder(path) })
		if err != nil {
			return err
		}
		err = d.sync(dir)
		if cerr := dir.Close(); err == nil {
			err = cerr
		}
		return err
	})
}

func (d *disk) sync(dir *os.File) error { return d.do("fsync", dir.Name(), dir.Sync) }

func (d *disk) mkdir(path string) error {
	return d.byPath("mkdir", path, func() error {
		return inFolder("mkdir", path, func(dir int, name string) error { return unix.Mkdirat(dir, name, 0o750) })
	})
}

// mkdirs creates dir and the folders between top and dir, if they are missing, and makes each
// durable in its parent.
func (d *disk) mkdirs(dir, top string) error { return d.mkdirsBy(d.mkdir, dir, top) }

// mkdirsBy is mkdirs with a given call that creates a folder.
func (d *disk) mkdirsBy(mkdir func(path string) error, dir, top string) error {
	if dir == top {
		return nil
	}
	err := mkdir(dir)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.mkdirsBy(mkdir, filepath.Dir(dir), top); err != nil {
			return err
		}
		if err = mkdir(dir); errors.Is(err, fs.ErrExist) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(dir))
}

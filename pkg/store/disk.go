package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
)

// A disk makes every call of the store that goes to the file server. On EFS each
// costs milliseconds, so they are few, and DESIGN.md accounts for them. A close
// is not counted: everything is written through before it.
type disk struct {
	// step, set by tests alone, makes the calls in their place: it can count
	// them, stop the world between two of them, or lose a reply. Some are made at
	// the same time.
	step func(op, path string, call func() error) error
	// most, set by tests alone, is mostNames in its place.
	most int
	// slots has a place for each call that may be under way: see maxCalls. Without it there is no bound.
	slots chan struct{}
}

// mostNames is how many names are read of a folder. None should come near it; of one that
// goes beyond, the rest is left unread, so that time and memory stay bounded.
const mostNames = 1 << 20

func (d *disk) mostNames() int { return cmp.Or(d.most, mostNames) }

// do makes a call, which must make none by do itself: all places could be those of calls that wait for another.
func (d *disk) do(op, path string, call func() error) error {
	if d.slots != nil {
		d.slots <- struct{}{}
		defer func() { <-d.slots }()
	}
	if d.step == nil {
		return call()
	}
	return d.step(op, path, call)
}

// byPath is do for a call that finds its files by their paths. An NFS client finds by what
// it remembers, and where another has replaced or removed that, the file server refuses
// the call as stale (ESTALE), without having made it: the next looks again.
func (d *disk) byPath(op, path string, call func() error, others ...string) (err error) {
	for range 4 {
		if err = d.do(op, path, call); !errors.Is(err, syscall.ESTALE) {
			break
		}
		for _, p := range append(others, path) {
			reopen(filepath.Dir(p))
		}
	}
	return err
}

// lookAgain has an NFS client look a folder up again, and those above it that it finds stale: that
// a folder is, it learns only when that is opened to be read.
func reopen(dir string) {
	f, err := openFolder(dir)
	if errors.Is(err, syscall.ESTALE) && filepath.Dir(dir) != dir {
		reopen(filepath.Dir(dir))
		f, err = openFolder(dir)
	}
	if err == nil {
		_ = f.Close() // it was not read
	}
}

// onOpen is do for a call on a file or folder that is open. One that is stale was
// removed by another client, and that is fs.ErrNotExist.
func (d *disk) onOpenFile(op, path string, call func() error) error {
	return staleIsGone(d.do(op, path, call))
}

func staleIsGone(err error) error {
	if errors.Is(err, syscall.ESTALE) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// anew makes calls that open something by its path and go on with that, and makes them all again where it was stale
// by then: another client has put something else into its place, or removed it. They must be safe to repeat.
func retryStale(calls func() error) (err error) {
	for range 4 {
		if err = calls(); !errors.Is(err, syscall.ESTALE) {
			break
		}
	}
	return err
}

// open makes a call that opens a file. Where the call is to have failed, although it was
// made, the file is closed: of an open file an NFS client keeps the name.
func (d *disk) open(op, path string, call func() (*os.File, error)) (f *os.File, err error) {
	err = d.byPath(op, path, func() (err error) {
		if f, err = call(); err != nil && f != nil {
			_ = f.Close() // nothing was written to it
			f = nil
		}
		return err
	})
	if err != nil && f != nil {
		_ = f.Close() // likewise
	}
	if err != nil {
		f = nil
	}
	return f, err
}

// createFile makes a new file with the content b, durable but for its name,
// which its folder's fsync makes so. It must not exist; it is left in part after
// an error. The answer is the time of its making by the file server's clock.
//
// O_DSYNC writes through in the one call that a write and an fsync would be.
func (d *disk) createFile(path string, b ...[]byte) (made time.Time, err error) {
	return d.create(path, unix.O_DSYNC, b...)
}

// createAll is createFile for several files at the same time.
func (d *disk) createAll(files map[string][][]byte) error {
	var calls []func() error
	for path, b := range files {
		calls = append(calls, func() error { _, err := d.createFile(path, b...); return err })
	}
	return concurrently(calls...)
}

// createHasty is createFile for what need not survive the machine's power: of a
// local file system a file may be left that is empty or in part. A file server has
// it all once the file is closed.
func (d *disk) createUnsynced(path string, b ...[]byte) (made time.Time, err error) {
	return d.create(path, 0, b...)
}

// create writes one part behind the other: together in memory large ones would be there
// twice.
//
// It is without O_EXCL, and looks at what it has opened instead. An NFS client asks for an
// exclusive file in two calls, and between them the server keeps a random number as the
// file's time: what a killed process left could look new until 2038.
func (d *disk) create(path string, flag int, parts ...[]byte) (made time.Time, err error) {
	f, err := d.open("create", path, func() (*os.File, error) {
		f, err := openNoLinks(path, unix.O_WRONLY|unix.O_CREAT|flag)
		if err == nil {
			err = isNew(f)
		}
		return f, err
	})
	if err != nil {
		return made, err
	}
	for _, b := range parts {
		if err == nil {
			err = d.onOpenFile("write", path, func() error { _, err := f.Write(b); return err })
		}
	}
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil { // known since the write
			made = info.ModTime()
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr // NFS reports a full disk here at the latest
	}
	return made, staleIsGone(err)
}

// isNew is fs.ErrExist of a file that is not empty, not regular, or has another name. One
// that has none any more was removed since, as old, which whoever makes it finds out.
func isNew(f *os.File) error {
	var st unix.Stat_t // came with the open
	err := retryInterrupted(func() error { return unix.Fstat(int(f.Fd()), &st) })
	if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != 0 || st.Nlink > 1) {
		err = &fs.PathError{Op: "create", Path: f.Name(), Err: unix.EEXIST}
	}
	return err
}

// mark makes an empty file; one that is there already is as good.
func (d *disk) createEmpty(path string) error {
	f, err := d.open("create", path, func() (*os.File, error) { return openNoLinks(path, unix.O_WRONLY|unix.O_CREAT) })
	if err != nil {
		return err
	}
	return f.Close()
}

// maxRecord is the largest file that is read as one of the store's own records, in
// bytes. They have a few kilobytes.
const maxRecord = 64 << 10

// errUnreadable: a file of ours is not what it should be. Everybody who has the
// directory can write into it, so nothing in there is believed unchecked.
var errUnreadable = job.ErrDamagedJob

// unreadable is errUnreadable of a file, and an error of the file system too, which may
// be that of all files.
func unreadable(path string, why error) error {
	return fmt.Errorf("%w: %w", errUnreadable, &fs.PathError{Op: "open", Path: filepath.Base(path), Err: why})
}

// readFile reads a record, and when it was written by the file server's clock. What
// is too large for one, or is no regular file, is errUnreadable.
func (d *disk) readFile(path string) (b []byte, written time.Time, err error) {
	return d.readUpTo(path, maxRecord)
}

// readUpTo is readFile of a file of at most max bytes. A replaced file's handle can go
// stale on NFS between open and read: then the new one is read.
func (d *disk) readUpTo(path string, max int64) (b []byte, written time.Time, err error) {
	err = retryStale(func() (err error) { b, written, err = d.readOnce(path, max); return err })
	return b, written, err
}

func (d *disk) readOnce(path string, max int64) (b []byte, written time.Time, err error) {
	f, info, err := d.openFile(path)
	if err != nil {
		return nil, written, err
	}
	defer func() { _ = f.Close() }() // read only
	if info.Size() > max {
		return nil, written, unreadable(path, fmt.Errorf("%d bytes, and there are %d at most", info.Size(), max))
	}
	b, written = make([]byte, info.Size()), info.ModTime()
	err = d.do("read", path, func() error {
		_, err := f.ReadAt(b, 0)
		return err
	})
	return b, written, err
}

// openFile opens a file to read from. What is no regular file, or is reached by a
// symbolic link below the store's directory, is errUnreadable. The caller closes it.
func (d *disk) openFile(path string) (f *os.File, info fs.FileInfo, err error) {
	f, err = d.open("open", path, func() (f *os.File, err error) {
		if f, err = openNoLinks(path, unix.O_RDONLY); err == nil {
			info, err = f.Stat() // came with the open
		}
		return f, err
	})
	if err == nil && !info.Mode().IsRegular() {
		_ = f.Close() // it was not read
		return nil, nil, unreadable(path, errors.New("no regular file"))
	}
	return f, info, err
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

// refresh opens a folder, which makes an NFS client ask the server whether what it
// remembers of the names in there still holds (close-to-open consistency, which
// Linux keeps for folders too).
func (d *disk) refresh(dir string) error {
	f, err := d.open("open", dir, func() (*os.File, error) { return openFolder(dir) })
	if err != nil {
		return err
	}
	return f.Close()
}

// refreshPath is refresh for a path of which the client may remember too that one of its
// folders was missing: from the first that is there, downwards. top is there.
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

// folderChanged is when a name was last made or removed in a folder. It is opened, for
// the reason that refresh has.
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

func openFolder(path string) (*os.File, error) {
	return openNoLinks(path, unix.O_RDONLY|unix.O_DIRECTORY)
}

// readNames reads the names in a folder that is open, of which only so many: see mostNames.
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

// listAgain lists a folder that is open.
func (d *disk) listAgain(dir *os.File) (names []string, err error) {
	err = d.onOpenFile("readdir", dir.Name(), func() (err error) {
		if _, err = dir.Seek(0, io.SeekStart); err == nil {
			names, err = d.readNames(dir)
		}
		return err
	})
	return names, err
}

// list lists a folder; one that is not there, or is no folder, is empty.
func (d *disk) list(path string) ([]string, error) {
	names, err := d.listExisting(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return names, err
}

// listThere is list, but fs.ErrNotExist where the folder is not there.
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

// syncDir makes the names in a folder durable. On NFS they are so already, and
// it costs nothing.
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

// mkdirs makes dir and its parents below top, each durable in its own parent.
func (d *disk) mkdirs(dir, top string) error { return d.mkdirsBy(d.mkdir, dir, top) }

// mkdirsBy is mkdirs with a call that makes each.
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

// remove removes a file or an empty folder; one that is gone is as good.
func (d *disk) remove(path string) error {
	_, err := d.unlink(path)
	return err
}

// unlink is remove, and says whether it removed something. A file of another name that
// an NFS client keeps since it is open (see errInUse) is as good as removed.
func (d *disk) unlink(path string) (there bool, err error) {
	err = d.byPath("remove", path, func() error { return inFolder("remove", path, removeAt) })
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EBUSY) { // see errInUse
		return false, nil
	}
	return err == nil, err
}

// rmdir removes an empty folder, and no file.
func (d *disk) rmdir(path string) error {
	return d.byPath("remove", path, func() error {
		return inFolder("rmdir", path, func(dir int, name string) error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
	})
}

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

// exists says whether there is something at path.
func (d *disk) exists(path string) (bool, error) {
	_, err := d.modTime(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	return err == nil, err
}

// changed is when path was written or touched, by the file server's clock.
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

// touch sets path's time to the file server's now: no time at all goes over NFS as
// "set to server time".
func (d *disk) touch(path string) error { return d.setTimes(path, nil) }

// setTime gives path a time of our choice.
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

package store

import (
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

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

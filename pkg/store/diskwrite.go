package store

import (
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// createFile creates a file with the content b. The content is durable; the name is durable after
// an fsync of the folder. The file must not exist. After an error it may be incomplete. made is its
// modification time by the file server's clock.
//
// O_DSYNC makes write and fsync one call.
func (d *disk) createFile(path string, b ...[]byte) (made time.Time, err error) {
	return d.create(path, unix.O_DSYNC, b...)
}

// createAll calls createFile for several files concurrently.
func (d *disk) createAll(files map[string][][]byte) error {
	var calls []func() error
	for path, b := range files {
		calls = append(calls, func() error { _, err := d.createFile(path, b...); return err })
	}
	return concurrently(calls...)
}

// createUnsynced is createFile for a file that need not survive a loss of power: a local file
// system may then have it empty or incomplete. A file server has all of it once the file is closed.
func (d *disk) createUnsynced(path string, b ...[]byte) (made time.Time, err error) {
	return d.create(path, 0, b...)
}

// create writes the parts one after the other, because joining them in memory would hold large ones
// twice.
//
// It checks what it has opened instead of using O_EXCL. An NFS client creates an exclusive file in
// two calls, and between them the server stores a random number as the file's time: a file left by
// a killed process could look new until 2038.
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
		if info, err = f.Stat(); err == nil { // no further call: known since the write
			made = info.ModTime()
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr // NFS reports a full disk here at the latest
	}
	return made, staleIsGone(err)
}

// isNew returns fs.ErrExist if a file is not empty, not regular, or has a second name. A file
// without any name was removed meanwhile because it looked old; the caller detects that when it
// uses the name.
func isNew(f *os.File) error {
	var st unix.Stat_t // no further call: the attributes came with the open
	err := retryInterrupted(func() error { return unix.Fstat(int(f.Fd()), &st) })
	if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != 0 || st.Nlink > 1) {
		err = &fs.PathError{Op: "create", Path: f.Name(), Err: unix.EEXIST}
	}
	return err
}

// createEmpty creates an empty file. It is no error if the file exists.
func (d *disk) createEmpty(path string) error {
	f, err := d.open("create", path, func() (*os.File, error) { return openNoLinks(path, unix.O_WRONLY|unix.O_CREAT) })
	if err != nil {
		return err
	}
	return f.Close()
}

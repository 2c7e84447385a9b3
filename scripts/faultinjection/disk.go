//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// A disk is a small file system of its own, which can be filled.
type disk struct{ dir string }

// newDisk mounts a tmpfs with these mount options, and sets the shared directory to a folder on it. It is unmounted
// after the stack has ended.
func newDisk(c *settings, options string) (*disk, error) {
	d := &disk{filepath.Join(c.folder, "disk")}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, options); err != nil {
		return nil, &unavailableError{fmt.Sprintf("a small disk can't be mounted (%v): run it as root", err)}
	}
	c.cleanup(func() error { return syscall.Unmount(d.dir, syscall.MNT_DETACH) })
	c.dir = filepath.Join(d.dir, "shared")
	return d, nil
}

// fill uses up all free bytes.
func (d *disk) fill() error {
	f, err := os.OpenFile(filepath.Join(d.dir, "ballast"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for some := make([]byte, 64<<10); len(some) > 0; {
		switch _, err := f.Write(some); {
		case errors.Is(err, syscall.ENOSPC):
			some = some[:len(some)/2]
		case err != nil:
			return err
		}
	}
	return nil
}

// fillInodes uses up all free inodes.
func (d *disk) fillInodes() error {
	dir := filepath.Join(d.dir, "ballast.d")
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for n := 0; ; n++ {
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(n)), os.O_CREATE|os.O_WRONLY, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
		f.Close()
	}
}

// empty frees what fill and fillInodes have used.
func (d *disk) empty() error {
	return errors.Join(os.RemoveAll(filepath.Join(d.dir, "ballast")), os.RemoveAll(filepath.Join(d.dir, "ballast.d")))
}

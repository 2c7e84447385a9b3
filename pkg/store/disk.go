package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
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

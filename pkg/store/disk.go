package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A disk makes all calls of the store that go to the file server. On EFS each takes milliseconds,
// so the store makes few, and DESIGN.md lists them. A close is not counted: it only waits for data
// of a write that was counted, if that was not written through already.
type disk struct {
	// step is called in place of each call: in tests to count the calls, to stop between two of
	// them, or to lose a reply, and for [Store.Observe]. It is called concurrently.
	step func(op, path string, call func() error) error
	// most replaces mostNames in tests; 0 otherwise.
	most int
	// slots has a place for each call that may be under way: see maxCalls. If it is nil there is no
	// limit.
	slots chan struct{}
}

// do makes a call. The call must not use do itself: it could wait for a slot while its own caller
// and others like it hold all slots.
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

// byPath is do for a call that names files by their paths. An NFS client resolves a path from its
// cache. If another client has replaced or removed a part of the path, the file server refuses the
// call as stale (ESTALE) without executing it. Then the folders are opened again and the call is
// repeated, three times at most.
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

// reopen makes an NFS client look up a folder again, and the folders above it that are stale. The
// client detects that a folder was replaced only when the folder is opened for reading.
func reopen(dir string) {
	f, err := openFolder(dir)
	if errors.Is(err, syscall.ESTALE) && filepath.Dir(dir) != dir {
		reopen(filepath.Dir(dir))
		f, err = openFolder(dir)
	}
	if err == nil {
		_ = f.Close() // opened only to refresh the cache
	}
}

// onOpenFile is do for a call on an open file or folder. If the file is stale, another client has
// removed it, and the error is fs.ErrNotExist.
func (d *disk) onOpenFile(op, path string, call func() error) error {
	return staleIsGone(d.do(op, path, call))
}

func staleIsGone(err error) error {
	if errors.Is(err, syscall.ESTALE) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// retryStale makes calls that open something by its path and then use it. If one of them finds it
// stale, because another client has replaced or removed it meanwhile, all calls are repeated, three
// times at most. They must be safe to repeat.
func retryStale(calls func() error) (err error) {
	for range 4 {
		if err = calls(); !errors.Is(err, syscall.ESTALE) {
			break
		}
	}
	return err
}

// open makes a call that opens a file. After an error the file is closed, because an NFS client
// keeps the name of an open file. That includes calls that succeeded and that a test makes fail.
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

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// verify tests, in a new folder of the shared directory, whether the file system does what the
// store relies on, and logs how long each check took. It is meant for new deployments, and does not
// affect jobs.
func verify(ctx context.Context, dir string, log *slog.Logger) (err error) {
	at, err := os.MkdirTemp(filepath.Join(dir, "tmp"), "verify-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(at)) }()
	for _, check := range []struct {
		name string
		run  func(at string) error
	}{
		{"a file is written through", writeThrough},
		{"a second link to one name is refused", linkOnce},
		{"a touch gives the file server's time", touch},
		{"a rename replaces a file that is open", replace},
		{"a folder that was renamed takes no new files", renameFolder},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		sub := filepath.Join(at, fmt.Sprintf("%d", time.Now().UnixNano()))
		began := time.Now()
		failed := errors.Join(os.Mkdir(sub, 0o750), check.run(sub))
		logCheck(log, "file system check", check.name, time.Since(began), failed)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", check.name, failed))
		}
	}
	return err
}

// logCheck logs the result of a check, as an error if it failed. scripts/deploy/verify reads these
// lines.
func logCheck(log *slog.Logger, message, name string, took time.Duration, failed error) {
	log = log.With("check", name, "ok", failed == nil, "ms", took.Milliseconds())
	if failed != nil {
		log.Error(message, "error", failed)
		return
	}
	log.Info(message)
}

func writeThrough(at string) error {
	f, err := os.OpenFile(filepath.Join(at, "a"), os.O_CREATE|os.O_WRONLY|unix.O_DSYNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteString("a")
	folder, openErr := os.Open(at)
	if openErr == nil {
		openErr = errors.Join(folder.Sync(), folder.Close())
	}
	return errors.Join(err, f.Close(), openErr)
}

// linkOnce tests that a second link to the same name fails: in this way the store decides which of
// several processes has made an event.
func linkOnce(at string) error {
	name, event := filepath.Join(at, "a"), filepath.Join(at, "event")
	if err := errors.Join(os.WriteFile(name, []byte("a"), 0o640), os.Link(name, event)); err != nil {
		return err
	}
	if err := os.Link(name, event); !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the second link: %w", errors.Join(errors.New("the error is not that the name exists"), err))
	}
	a, err := os.Stat(name)
	b, err2 := os.Stat(event)
	if err = errors.Join(err, err2); err == nil && !os.SameFile(a, b) {
		err = errors.New("the names are different files")
	}
	return err
}

// touch tests that touching a file sets its time by the file server's clock, because leases are
// renewed in that way: the age of a lease is the difference of two times of the file server.
func touch(at string) error {
	old, fresh := filepath.Join(at, "old"), filepath.Join(at, "fresh")
	if err := errors.Join(os.WriteFile(old, nil, 0o640), os.Chtimes(old, time.Unix(1, 0), time.Unix(1, 0))); err != nil {
		return err
	}
	if err := errors.Join(unix.UtimesNanoAt(unix.AT_FDCWD, old, nil, unix.AT_SYMLINK_NOFOLLOW), os.WriteFile(fresh, nil, 0o640)); err != nil {
		return err
	}
	a, err := os.Stat(old)
	b, err2 := os.Stat(fresh)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if d := b.ModTime().Sub(a.ModTime()); d < -time.Second || d > 5*time.Second {
		return fmt.Errorf("a touch and a new file are %v apart", d)
	}
	return nil
}

func replace(at string) error {
	status, next := filepath.Join(at, "status"), filepath.Join(at, "next")
	if err := errors.Join(os.WriteFile(status, []byte("old"), 0o640), os.WriteFile(next, []byte("new"), 0o640)); err != nil {
		return err
	}
	f, err := os.Open(status)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Rename(next, status); err != nil {
		return err
	}
	b, err := os.ReadFile(status)
	if err == nil && string(b) != "new" {
		err = fmt.Errorf("it reads %q", b)
	}
	return err
}

// renameFolder tests that a folder can be renamed, as a job's is when it is erased, and that no
// file can be created under its old name.
func renameFolder(at string) error {
	before, after := filepath.Join(at, "job"), filepath.Join(at, ".gone")
	if err := errors.Join(os.Mkdir(before, 0o750), os.WriteFile(filepath.Join(before, "a"), nil, 0o640), os.Rename(before, after)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(before, "b"), nil, 0o640); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a file in the old folder: %w", errors.Join(errors.New("it was created"), err))
	}
	_, err := os.Stat(filepath.Join(after, "a"))
	return err
}

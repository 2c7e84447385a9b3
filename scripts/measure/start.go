package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const startHelp = `From the start of a process to its first finished picture of 256 x 256: loading
TensorFlow's library and the model, preparing the graph, painting.

  warm  program, library and model are in the page cache, as when the process before
        has just ended
  cold  they were taken out of it (posix_fadvise) and are read from this disk, as
        after a machine's start

Whether they really were out is not assumed: "in the cache before" is what mincore(2)
found of them, and "read from the disk" counts the process's major page faults. What
another process has mapped can't be taken out: stop other programs that use the same
library. A function on EFS reads through the network what is read from the disk here.`

// start measures what a fresh process costs.
func start(ctx context.Context, s *session) (string, error) {
	files, program, err := s.startFiles()
	if err != nil {
		return "", err
	}
	t := task{Model: s.Model, Width: 256, Height: 256}
	once := func(evict bool) func(context.Context) (startup, error) {
		return func(ctx context.Context) (startup, error) {
			if evict {
				if err := files.evict(); err != nil {
					return startup{}, err
				}
			}
			cached, err := files.cached()
			if err != nil {
				return startup{}, err
			}
			up, err := startOnce(ctx, program, t)
			up.cached = cached
			return up, err
		}
	}
	s.expect(2 * s.Rounds)
	sides := []side[startup]{{"cold", once(true)}, {"warm", once(false)}}
	if !canEvict {
		sides = sides[1:]
	}
	all, err := inTurn(ctx, s, "256 x 256", sides...)
	if err != nil {
		return "", err
	}
	rows := [][]string{{"page cache", "to the first picture", "in the cache before", "major page faults"}}
	for i, side := range sides {
		rows = append(rows, []string{
			side.name,
			each(all[i], func(u startup) float64 { return u.took.Seconds() }).show("%.2f") + " s",
			fmt.Sprintf("%s of %s", mb(each(all[i], func(u startup) float64 { return float64(u.cached) }).median), mb(float64(files.bytes))),
			each(all[i], func(u startup) float64 { return float64(u.faults) }).show("%.0f"),
		})
	}
	text := "Program, library and model. Median of the rounds (least..most).\n\n" + table(rows...)
	if left := each(all[0], func(u startup) float64 { return float64(u.cached) }).most; canEvict && left > float64(files.bytes)/20 {
		text += "\nNot wholly cold: another process had files mapped, which so stayed in the cache.\n"
	}
	return text, nil
}

// A startup is what one process took.
type startup struct {
	took   time.Duration
	faults int64 // pages that it had to wait for
	cached int64 // bytes of its files that were in the page cache before
}

// startFiles is what a fresh process reads, and the program to start: a copy of
// this one, since a running program can't be taken out of the page cache.
func (s *session) startFiles() (*files, string, error) {
	if s.TensorFlow == "" {
		return nil, "", errors.New("TensorFlow is not installed: run scripts/setup")
	}
	dir, err := s.folder()
	if err != nil {
		return nil, "", err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	program := filepath.Join(dir, "measure")
	if err := copyFile(program, self); err != nil {
		return nil, "", err
	}
	list := []string{program}
	for _, pattern := range []string{filepath.Join(s.TensorFlow, "lib", "*"), filepath.Join(s.Model, "*")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, "", err
		}
		list = append(list, found...)
	}
	f, err := openFiles(list)
	return f, program, err
}

// copyFile copies a program, down to the disk: what is not written yet stays in
// the cache.
func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

func startOnce(ctx context.Context, program string, t task) (up startup, err error) {
	cmd, said, err := childOf(ctx, program, "first-image", t)
	if err != nil {
		return up, err
	}
	done, err := cmd.StdoutPipe()
	if err != nil {
		return up, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return up, err
	}
	_, readErr := io.ReadFull(done, make([]byte, 1))
	up.took = time.Since(began)
	if err := cmd.Wait(); err != nil {
		return up, fmt.Errorf("%w: %s", err, said)
	}
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		up.faults = used.Majflt
	}
	return up, readErr
}

// firstImage says a byte when the image is there.
func firstImage(ctx context.Context, t task, out io.Writer) error {
	m, err := load(t)
	if err != nil {
		return err
	}
	if _, err := m.Stylize(ctx, named(photo(t.Width, t.Height), 0)); err != nil {
		return err
	}
	_, err = io.WriteString(out, "!")
	return err
}

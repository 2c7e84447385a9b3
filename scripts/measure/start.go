package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/pagecache"
)

const startHelp = `From the start of a process to its first finished picture of 256 x 256: loading
the engine's library and the model, preparing the graph, painting.

  warm  program, library and model are in the page cache, as when the process before
        has just ended
  cold  they were taken out of it (posix_fadvise) and are read from this disk, as
        after a machine's start

Whether they really were out is not assumed: "in the cache before" is what mincore(2)
found of them, and the process's major page faults are counted. What
another process has mapped can't be taken out: stop other programs that use the same
library. A function on EFS reads through the network what is read from the disk here.`

// start measures what a fresh process costs.
func start(ctx context.Context, s *session) (string, error) {
	engines, err := s.engines()
	if err != nil {
		return "", err
	}
	s.expect(2 * len(engines) * s.Rounds)
	rows := [][]string{{"engine", "page cache", "to the first picture", "goal", "", "in the cache before", "major page faults"}}
	held := false
	for _, e := range engines {
		starts, err := s.starts(ctx, e)
		if err != nil {
			return "", err
		}
		for _, side := range starts {
			took := side.took()
			cached := each(side.rounds, func(u startup) float64 { return float64(u.cached) })
			goal := noGoal
			if side.cache == warm {
				goal = atMost(e.start, took.median)
			} else if cached.most > float64(side.bytes)/20 {
				held = true
			}
			rows = append(rows, slices.Concat([]string{e.name, side.cache, took.show("%.3f") + " s"}, goal, []string{
				fmt.Sprintf("%s of %s", mb(cached.median), mb(float64(side.bytes))),
				each(side.rounds, func(u startup) float64 { return float64(u.faults) }).show("%.0f"),
			}))
		}
	}
	text := "Program, library and model. Median of the rounds (least..most).\n\n" + table(rows...)
	if held {
		text += "\nNot wholly cold: another process had files mapped, which so stayed in the cache.\n"
	}
	return text, nil
}

const cold, warm = "cold", "warm"

// starts are the starts of an engine's processes, by what was in the page cache.
type starts struct {
	cache  string // cold or warm
	bytes  int64  // of the files
	rounds []startup
}

// took is to the first picture, in seconds.
func (s starts) took() spread {
	return each(s.rounds, func(u startup) float64 { return u.took.Seconds() })
}

// starts has processes of an engine begin, cold where the system lets that be
// brought about, and warm.
func (s *session) starts(ctx context.Context, e engine) ([]starts, error) {
	files, program, err := s.startFiles(e)
	if err != nil {
		return nil, err
	}
	t := task{Model: s.Model, Width: 256, Height: 256}
	once := func(evict bool) func(context.Context) (startup, error) {
		return func(ctx context.Context) (startup, error) {
			if evict {
				if err := files.Evict(); err != nil {
					return startup{}, err
				}
			}
			cached, err := files.Cached()
			if err != nil {
				return startup{}, err
			}
			cmd, said, err := childOf(ctx, program, "first-image", t)
			if err != nil {
				return startup{}, err
			}
			up, err := startOnce(cmd, said)
			up.cached = cached
			return up, err
		}
	}
	sides := []side[startup]{{cold, once(true)}, {warm, once(false)}}
	if !pagecache.CanEvict {
		sides = sides[1:]
	}
	rounds, err := inTurn(ctx, s, e.name, sides...)
	if err != nil {
		return nil, err
	}
	var all []starts
	for i, side := range sides {
		all = append(all, starts{side.name, files.Bytes, rounds[i]})
	}
	return all, nil
}

// A startup is what one process took.
type startup struct {
	took   time.Duration
	faults int64 // pages that it had to wait for
	cached int64 // bytes of its files that were in the page cache before
}

// startFiles is what a fresh process reads, and the program to start: a copy of
// the engine's, since a running program can't be taken out of the page cache.
func (s *session) startFiles(e engine) (*pagecache.Files, string, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, "", err
	}
	program := filepath.Join(dir, "measure")
	if err := copyFile(program, e.program); err != nil {
		return nil, "", err
	}
	list := []string{program}
	patterns := []string{filepath.Join(e.library, "lib", "*")}
	for _, name := range e.model {
		patterns = append(patterns, filepath.Join(s.Model, name))
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, "", err
		}
		list = append(list, found...)
	}
	f, err := pagecache.Open(list)
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

// startOnce times a child until it says its byte.
func startOnce(cmd *exec.Cmd, said *bytes.Buffer) (up startup, err error) {
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

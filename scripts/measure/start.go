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

const startHelp = `From the start of a process to its first finished picture of 256 x 256: loading the
engine's library and the model, preparing the graph, painting.

  warm  program, library and model are in the page cache, as when a previous process
        has just ended
  cold  they were removed from it (posix_fadvise) and are read from this disk, as after
        the machine's start

That they were really removed is not assumed: "in the cache before" is the amount reported
by mincore(2), and the process's major page faults are counted. Files that another process
has mapped can't be removed: stop other programs that use the same library. A function
with files on EFS reads through the network what is read from the disk here.`

// start measures the start of a fresh process.
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
		text += "\nNot completely cold: another process had files mapped, which therefore stayed in the cache.\n"
	}
	return text, nil
}

const cold, warm = "cold", "warm"

// starts has the starts of an engine's processes for one state of the page cache.
type starts struct {
	cache  string // cold or warm
	bytes  int64  // of the files
	rounds []startup
}

// took returns the seconds until the first picture.
func (s starts) took() spread {
	return each(s.rounds, func(u startup) float64 { return u.took.Seconds() })
}

// starts starts processes of an engine, cold if the system allows it, and warm.
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
			cmd, stderr, err := childOf(ctx, program, "first-image", t)
			if err != nil {
				return startup{}, err
			}
			up, err := startOnce(cmd, stderr)
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

// A startup has the measurements of one process.
type startup struct {
	took   time.Duration
	faults int64 // major page faults
	cached int64 // bytes of its files that were in the page cache before
}

// startFiles returns the files that a fresh process reads, and the program to start, which is a
// copy of the engine's, because a running program can't be removed from the page cache.
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

// copyFile copies a program and syncs it to the disk, because unwritten pages stay in the cache.
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

// startOnce measures the time until a child writes its first byte.
func startOnce(cmd *exec.Cmd, stderr *bytes.Buffer) (up startup, err error) {
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
		return up, fmt.Errorf("%w: %s", err, stderr)
	}
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		up.faults = used.Majflt
	}
	return up, readErr
}

// firstImage writes a byte when the image is finished.
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

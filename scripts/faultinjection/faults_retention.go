//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// kept is how long the retention keeps a job.
const kept = time.Hour

// retention has half of the jobs painted by programs whose clocks are two hours behind. Then the clocks are set right,
// so that the retention removes these jobs, and the sweepers are killed while they do it.
func retention() *scenario {
	return &scenario{
		name: "retention", breaks: "API servers and daemons, with the sweepers in them, are killed while they remove expired jobs",
		checks: "the older half of the jobs is gone with its pictures, and the other jobs are whole",
		every:  time.Second, takes: time.Second,
		prepare: func(ctx context.Context, c *settings) error {
			c.clocks = []time.Duration{-2 * kept}
			return slowly(ctx, c)
		},
		before: func(ctx context.Context, t *trial, l *load, jobs int) (int, error) {
			old := jobs / 2
			l.run(ctx, 0, old, 0)
			l.courses.Wait()
			for _, a := range l.accepted {
				if a.ends == erased {
					continue
				}
				if _, err := l.wait(ctx, a.id); err != nil {
					return 0, fmt.Errorf("job %s, before anything was broken: %w", a.id, err)
				}
				a.ends = erased
			}
			for _, p := range t.processes() {
				p.change(0, "ATELIER_RETENTION="+kept.String())
			}
			return old, nil
		},
		fault: func(ctx context.Context, t *trial) bool {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			all := t.old()
			hit := len(all) > 0 && t.awaitRetention(ctx, func() bool { return !slices.Equal(t.old(), all) })
			for _, p := range t.processes() {
				p.signal(syscall.SIGKILL)
			}
			return hit
		},
		after: func(ctx context.Context, t *trial) {
			if !t.awaitRetention(ctx, func() bool { return len(t.old()) == 0 }) && ctx.Err() != nil {
				t.fail(fmt.Sprintf("the retention has left %q", t.old()))
			}
		},
	}
}

// old lists the folders of jobs that the retention must remove, also of those that it has begun to remove.
func (s *stack) old() []string {
	all, _ := filepath.Glob(filepath.Join(s.dir, "jobs/*/*/*/*/*-*")) // the pattern is right
	finer, _ := filepath.Glob(filepath.Join(s.dir, "jobs/*/*/*/*/*/*-*"))
	return slices.DeleteFunc(append(all, finer...), func(path string) bool {
		const id = len("0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c")
		of, err := job.ParseID(path[max(0, len(path)-id):])
		return err != nil || time.Since(of.Time()) < kept
	})
}

// awaitRetention waits until is returns true, and returns false if ctx ends before. Meanwhile it removes the file by
// which the sweepers apply the retention only once an hour.
func (s *stack) awaitRetention(ctx context.Context, is func() bool) bool {
	for !is() {
		if err := os.Remove(filepath.Join(s.dir, "sweep", "memory.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.fail(err.Error())
			return false
		}
		if pause(ctx, 2*time.Millisecond) != nil {
			return false
		}
	}
	return true
}

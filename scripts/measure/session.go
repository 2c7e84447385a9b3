package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A session is one run of one benchmark.
type session struct {
	options
	name   string
	stderr io.Writer

	began       time.Time
	done, steps int
}

// measure runs a benchmark and returns its section.
func (s *session) measure(ctx context.Context, b benchmark, args []string) (section, error) {
	before := machine.LoadAverage()
	text, err := b.run(ctx, s)
	if err != nil {
		return section{}, err
	}
	how := conditions(ctx, s.options, args, before)
	return section{b.name, fmt.Sprintf("## %s: %s\n\n%s\n%s\n", b.name, b.title, how, strings.TrimSpace(text))}, nil
}

// expect sets the number of remaining steps of the benchmark, so that step can estimate the
// remaining time.
func (s *session) expect(steps int) { s.began, s.done, s.steps = time.Now(), 0, steps }

// step reports what is measured next.
func (s *session) step(format string, args ...any) {
	left := ""
	if s.done > 0 {
		each := time.Since(s.began) / time.Duration(s.done)
		left = fmt.Sprintf(", about %s left", (each * time.Duration(s.steps-s.done)).Round(time.Second))
	}
	fmt.Fprintf(s.stderr, "bench: %s: %s%s\n", s.name, fmt.Sprintf(format, args...), left)
	s.done++
}

// folder makes a new folder for files of a benchmark. Folders are removed only at the end of
// scripts/bench, because a file system from which many files were just removed can be slower for
// minutes.
func (s *session) folder() (string, error) {
	dir, err := os.MkdirTemp(s.Dir, s.name+"-")
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// pick returns full, or quick with --quick.
func pick[T any](s *session, full, quick T) T {
	if s.Quick {
		return quick
	}
	return full
}

// A side is one of the compared alternatives.
type side[T any] struct {
	name string
	run  func(context.Context) (T, error)
}

// inTurn runs the sides one after the other, round after round, and returns the results of each
// side for each round.
func inTurn[T any](ctx context.Context, s *session, what string, sides ...side[T]) ([][]T, error) {
	all := make([][]T, len(sides))
	for round := range s.Rounds {
		for i, side := range sides {
			s.step("%s, round %d of %d, %s", what, round+1, s.Rounds, side.name)
			got, err := side.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", what, side.name, err)
			}
			all[i] = append(all[i], got)
		}
	}
	return all, nil
}

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// A trial is a scenario that runs on a stack.
type trial struct {
	*stack
	chance *rand.Rand // for the faults alone
	faults atomic.Int64
}

// A result is the result of a trial.
type result struct {
	Scenario string  `json:"scenario"`
	Breaks   string  `json:"breaks"`
	Checks   string  `json:"checks"`
	Command  string  `json:"command"`
	Faults   int     `json:"faults"` // that had an effect
	Seconds  float64 `json:"seconds"`
	Skipped  string  `json:"skipped,omitempty"` // why it could not be tried here
	Stopped  bool    `json:"stopped,omitempty"` // by Ctrl-C, before all was checked
	Failed   string  `json:"failed,omitempty"`  // why it could not be carried out
	Folder   string  `json:"folder,omitempty"`  // of the trial, if it is left
	*finding
}

func (r *result) ok() bool { return r.Failed == "" && len(r.Wrong) == 0 }

func writeResult(file string, r *result) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644) //nolint:gosec // results are for everybody
}

// try runs a scenario on a stack of its own.
func (o *options) try(ctx context.Context, sc *scenario, show *progress) *result {
	n := o.size(sc)
	r := &result{Scenario: sc.name, Breaks: sc.breaks, Checks: sc.checks, finding: new(finding)}
	r.Command = fmt.Sprintf("scripts/chaos --scenarios %s --seed %d --jobs %d", sc.name, o.Seed, n.jobs)
	if sc.fault != nil {
		r.Command += fmt.Sprintf(" --times %d", n.times)
	}
	began := time.Now()
	show.begin(sc.name, n)
	var err error
	if sc.nfs && o.nfs.a == "" {
		err = o.tryOnNFS(ctx, sc, n, r)
	} else {
		err = o.tryHere(ctx, sc, n, r, show)
	}
	r.Seconds = time.Since(began).Seconds()
	r.Stopped = ctx.Err() != nil
	var none *unavailableError
	switch {
	case errors.As(err, &none):
		r.Skipped = none.why
	case err != nil && !r.Stopped:
		r.Failed = err.Error()
	}
	return r
}

// patience is how long accepted jobs may take to end after the last fault.
const patience = 5 * time.Minute

func (o *options) tryHere(ctx context.Context, sc *scenario, n size, r *result, show *progress) (err error) {
	library, err := o.library()
	if err != nil {
		return err
	}
	if o.MiniStack == "" {
		return errors.New("MiniStack is not installed: run scripts/setup")
	}
	folder, err := os.MkdirTemp(o.Folder, sc.name+".")
	if err != nil {
		return err
	}
	defer func() {
		if (err == nil || ctx.Err() != nil) && r.ok() && !o.Keep {
			err = errors.Join(err, os.RemoveAll(folder))
			return
		}
		r.Folder = folder
	}()
	c := &settings{
		bin: o.Bin, ministack: o.MiniStack, root: o.Root, model: filepath.Join(folder, "model"), library: library, folder: folder,
		servers: 2, daemons: 3, seed: o.Seed, faults: sc.queue, nfs: o.nfs,
	}
	if err := copyModel(filepath.Join(o.Root, "model", "testdata", "full"), c.model); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.cleanUp()) }()
	if sc.prepare != nil {
		if err := sc.prepare(ctx, c); err != nil {
			return err
		}
	}
	s, err := newStack(ctx, c)
	if err != nil {
		return err
	}
	defer s.close()
	l, err := newLoad(newClient(s.listen, c.key), o.Seed, sc.special)
	if err != nil {
		return err
	}
	if err := l.reference(ctx); err != nil {
		return fmt.Errorf("the first jobs, before anything was broken: %w; the log is %s", err, s.log.Name())
	}
	t := &trial{stack: s, chance: rand.New(rand.NewPCG(o.Seed, 2))} //nolint:gosec // not for secrets
	stop := show.follow(l, t)
	defer stop()
	// Courses are canceled when the time for all jobs to end, patience, is over.
	courses, endCourses := context.WithCancel(ctx)
	defer endCourses()
	first := 0
	if sc.before != nil {
		ctx, cancel := context.WithTimeout(courses, patience)
		defer cancel()
		if first, err = sc.before(ctx, t, l, n.jobs); err != nil {
			return err
		}
	}
	t.disturbWhile(courses, sc, n.times, func() { l.run(courses, first, n.jobs, n.load(sc)) })
	r.Faults = int(t.faults.Load())
	settle, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	context.AfterFunc(settle, endCourses)
	if sc.after != nil {
		sc.after(settle, t)
	}
	r.finding = s.examine(settle, l)
	return nil
}

// disturbWhile calls do, and breaks things while do runs, at most the given number of times. It repairs everything when
// do has returned.
func (t *trial) disturbWhile(ctx context.Context, sc *scenario, times int, do func()) {
	loading, over := context.WithCancel(ctx)
	defer over()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n < times && sc.fault != nil; n++ {
			if pause(loading, time.Duration(t.chance.ExpFloat64()*float64(sc.every))) != nil {
				return
			}
			if sc.fault(loading, t) {
				t.faults.Add(1)
			}
		}
	}()
	do()
	over()
	<-done
	t.heal()
}

// tail returns the end of a log, for errors.
func tail(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-2000):]))
}

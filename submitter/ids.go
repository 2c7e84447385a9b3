package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"github.com/atelier-go/atelier/pkg/job"
)

// idArguments are the jobs that a command is about.
type idArguments struct {
	IDs []string `arg:"" name:"id" help:"The jobs' ids, as submit printed them; - for ids on standard input."`
}

// many says that it is about several jobs, or may be.
func (i idArguments) many() bool { return len(i.IDs) != 1 || i.IDs[0] == "-" }

// ids reads the ids that a command is given: - stands for those on standard
// input, the first word of each line, so that what list prints can be piped in.
func (a *app) ids(ctx context.Context, args []string) ([]job.ID, error) {
	var ids []job.ID
	seen := map[job.ID]bool{}
	add := func(text string) error {
		id, err := job.ParseID(strings.TrimSpace(text))
		if err != nil {
			return faultf(errUsage, "%w", err)
		}
		if !seen[id] {
			ids = append(ids, id)
		}
		seen[id] = true
		return nil
	}
	for _, arg := range args {
		words := []string{arg}
		if arg == "-" {
			if isTerminal(a.stdin) {
				return nil, faultf(errUsage, "standard input is a terminal: pipe ids into it, as submitter list prints them")
			}
			lines, err := names(ctx, "standard input", a.stdin, '\n')
			if err != nil {
				return nil, err
			}
			words = words[:0]
			for _, line := range lines {
				if fields := strings.Fields(line); len(fields) > 0 {
					words = append(words, fields[0])
				}
			}
		}
		for _, word := range words {
			if err := add(word); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// each does the same for several jobs, one after the other in the order given.
// What goes wrong with one does not stop the others, unless it would go wrong
// with them too.
func (a *app) each(ids []job.ID, do func(job.ID) error) error {
	if len(ids) == 1 {
		return do(ids[0])
	}
	t := &tally{of: len(ids), things: "jobs", screen: a.screen}
	for _, id := range ids {
		err := do(id)
		if err != nil && hopeless(err) {
			if one := (*resumableError)(nil); errors.As(err, &one) {
				err = one.err // how to go on with this one alone is no help
			}
			return fmt.Errorf("%w; %s before that: the same command goes on with the rest", err, t)
		}
		a.heard()
		t.add(string(id), err)
	}
	return t.err()
}

// hopeless: the next one would fare no better.
func hopeless(err error) bool {
	return errors.Is(err, errInterrupted) || errors.Is(err, errDenied) || passing(err) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// A tally knows what became of several. It is safe for concurrent use.
type tally struct {
	of     int     // how many there are
	things string  // what they are called
	screen *screen // told of each failure at once; nil where they are told already

	mu     sync.Mutex
	done   int
	failed []string // each with its reason
	last   error
	code   int // the exit status that all failures share, or errSeveral's
}

// add counts one.
func (t *tally) add(name string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.done++
		return
	}
	line := strings.ReplaceAll(err.Error(), "\n", "; ")
	if !strings.Contains(line, name) {
		line = name + ": " + line
	}
	if t.screen != nil {
		t.screen.remark("%s", line)
	}
	code := exitCode(err)
	if len(t.failed) > 0 && t.code != code {
		code = exitCode(errSeveral)
	}
	t.code, t.last = code, err
	t.failed = append(t.failed, line)
}

func (t *tally) counts() (done, failed int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done, len(t.failed)
}

// String tells how far it is.
func (t *tally) String() string {
	done, failed := t.counts()
	if failed == 0 {
		return fmt.Sprintf("%d of %d %s were done", done, t.of, t.things)
	}
	return fmt.Sprintf("%d of %d %s were done and %d failed", done, t.of, t.things, failed)
}

// err is nil if none failed. Else it names those that did, and is of the kind
// that they share.
func (t *tally) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.failed) == 0:
		return nil
	case t.of == 1:
		return t.last
	}
	err := fmt.Errorf("%d of %d %s failed:\n  %s", len(t.failed), t.of, t.things, strings.Join(t.failed, "\n  "))
	if kind := kindOf(t.code); kind != nil {
		return &fault{kind, err}
	}
	return err
}

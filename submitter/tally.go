package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/batch"
	"github.com/atelier-go/atelier/submitter/terminal"
)

// each calls do for several jobs, one after the other, in the given order. If do fails for one job,
// each goes on with the next, unless it would fail for that one too.
func (a *app) each(ids []job.ID, do func(job.ID) error) error {
	if len(ids) == 1 {
		return do(ids[0])
	}
	t := &tally{total: len(ids), things: "jobs", screen: a.screen}
	for _, id := range ids {
		err := do(id)
		if err != nil && fatal(err) {
			if one, ok := errors.AsType[*resumableError](err); ok {
				err = one.err // the command for this job alone is no help
			}
			return fmt.Errorf("%w; %s before that: the same command continues with the rest", err, t)
		}
		a.progress()
		t.add(string(id), err)
	}
	return t.err()
}

// fatal reports whether an error must end a command about several jobs.
func fatal(err error) bool { return errors.Is(err, errInterrupted) || batch.Fatal(err) }

// A tally counts the successes and failures of several jobs or pictures. It is safe for
// concurrent use.
type tally struct {
	total  int
	things string           // what is counted, in the plural
	screen *terminal.Screen // shows each failure at once; nil if something else does

	mu     sync.Mutex
	done   int
	failed []string // a line for each failure
	last   error
	code   int // the exit status that all failures have, or that of errSeveral
}

// add counts the job or picture called name: as done if err is nil, and otherwise as failed.
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
		t.screen.Info("%s", line)
	}
	code := exitCode(err)
	if len(t.failed) > 0 && t.code != code {
		code = exitCode(errSeveral)
	}
	t.code, t.last = code, err
	t.failed = append(t.failed, line)
}

// String returns how many jobs or pictures were done, and how many have failed.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.failed) == 0 {
		return fmt.Sprintf("%d of %d %s were done", t.done, t.total, t.things)
	}
	return fmt.Sprintf("%d of %d %s were done and %d failed", t.done, t.total, t.things, len(t.failed))
}

// err returns nil if none has failed. Otherwise it returns an error that names the failed ones. It
// is of the kind that all failures have, or an errSeveral if they have different kinds.
func (t *tally) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.failed) == 0:
		return nil
	case t.total == 1:
		return t.last
	}
	err := fmt.Errorf("%d of %d %s failed:\n  %s", len(t.failed), t.total, t.things, strings.Join(t.failed, "\n  "))
	if kind := kindOf(t.code); kind != nil {
		return &kindError{kind, err}
	}
	return err
}

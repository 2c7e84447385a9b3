package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type resumeCommand struct {
	Batch  string `arg:"" optional:"" help:"The batch's name, as it was shown. Needed if several are unfinished."`
	Forget bool   `help:"Don't go on with it, now or ever. Its jobs stay."`
}

// Help is kong's hook for a command's page.
func (resumeCommand) Help() string {
	return `Goes on with a submit of several pictures that Ctrl-C, --timeout or a crash has
ended, or in which some failed because the API was at fault: what was not sent is
sent, jobs are waited for and their results written as submit was asked to, and
nothing is done twice. Pictures that could not be read, or were refused, are tried
again too; for jobs that failed there is retry. What is left to do stands in a file
below $XDG_STATE_HOME/atelier, or ~/.local/state/atelier, until a batch has ended
without a failure of which another try may come off.

  submitter resume
  submitter resume k3xq7r2m5a

Sending a picture again within a day makes no second job. One whose answer was lost,
and that is sent again later than that, may become a second job.`
}

// many says that it is about several pictures.
func (*resumeCommand) many() bool { return true }

var errBusy = errors.New("another submitter works on it")

// Run goes on with a batch.
func (cmd *resumeCommand) Run(ctx context.Context, a *app) error {
	folder, err := a.journalFolder()
	if err != nil {
		return err
	}
	removeUnmade(folder)
	name := cmd.Batch
	if name == "" {
		if name, err = a.onlyBatch(folder); err != nil || name == "" {
			return err
		}
	}
	if !isBatch(name) {
		return faultf(errUsage, "%.60q is no name of a batch, such as k3xq7r2m5a", name)
	}
	keeper, p, tasks, err := openJournal(folder, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return faultf(errNotFound, "there is no unfinished batch %s: it is done, or was begun by another user or on another machine", name)
	case errors.Is(err, errBusy):
		return faultf(errState, "batch %s: %w", name, err)
	case err != nil && cmd.Forget:
		return os.Remove(filepath.Join(folder, name+journalEnding))
	case err != nil:
		return fmt.Errorf("%w; submitter resume %s --forget removes it", err, name)
	}
	b := &batch{app: a, plan: p, tasks: tasks, keeper: keeper, folder: folder}
	b.tally = &tally{of: len(tasks), things: "pictures", screen: a.screen}
	var results []string
	for _, t := range tasks {
		if t.Result != "" {
			results = append(results, b.at(t.Result))
		}
	}
	removeParts(results)
	if cmd.Forget {
		keeper.close(folder, true)
		return nil
	}
	if p.API != a.API {
		keeper.close(folder, false)
		return faultf(errUsage, "batch %s was begun with --api %s: go on with that one", name, shellWord(p.API))
	}
	if time.Since(p.Began) > keyLife {
		a.screen.note("batch %s is more than a day old: a picture whose answer was lost then may become a second job", name)
	}
	return b.run(ctx)
}

// keyLife is how long the API knows an Idempotency-Key.
const keyLife = 24 * time.Hour

// onlyBatch is the batch to go on with where none is named; empty if there is none.
func (a *app) onlyBatch(folder string) (string, error) {
	found, err := journals(folder)
	if err != nil {
		return "", err
	}
	var idle, lines []string
	for _, name := range found {
		keeper, p, tasks, err := openJournal(folder, name)
		if errors.Is(err, errBusy) {
			continue
		}
		idle = append(idle, name)
		if err != nil {
			lines = append(lines, fmt.Sprintf("  %s  %v", a.command("resume", name), err))
			continue
		}
		keeper.close(folder, false)
		lines = append(lines, fmt.Sprintf("  %s  # %d of %d pictures left, begun %s ago in %s",
			a.command("resume", name), len(tasks), p.Pictures, age(time.Since(p.Began)), p.Folder))
	}
	switch len(idle) {
	case 0:
		a.screen.note("there is no unfinished batch")
		return "", nil
	case 1:
		return idle[0], nil
	}
	return "", faultf(errUsage, "%d batches are unfinished; one of:\n%s", len(idle), strings.Join(lines, "\n"))
}

package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
)

type statusCommand struct {
	idArguments
	Wait bool `short:"w" help:"Wait for the job's end first; then exit with 3 if it failed."`
}

// Help returns the text of the command's help page; kong calls it.
func (statusCommand) Help() string {
	return `Prints the state of a job, why it failed, its result, and how long it took. Several
jobs are printed one after the other; with --json each is a line.

  submitter status 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter status 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --json | jq .receipt
  submitter list --state failed --all | submitter status -`
}

// Run prints the state of jobs.
func (cmd *statusCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	printed := false
	return a.each(ids, func(id job.ID) error {
		j, err := a.api.Job(ctx, id)
		if err == nil && cmd.Wait {
			if j, err = a.wait(ctx, j); errors.Is(err, errInterrupted) || client.Unavailable(err) {
				return &resumableError{err, a.command("status", string(id), "--wait")}
			}
		}
		if err != nil {
			return err
		}
		if printed && !a.JSON {
			if err := a.print(""); err != nil {
				return err
			}
		}
		printed = true
		if err := a.printJob(j); err != nil || !cmd.Wait {
			return err
		}
		return j.Err()
	})
}

// printJob prints everything that is known of a job.
func (a *app) printJob(j *client.Job) error {
	if a.JSON {
		return a.printJSON(j.JSON)
	}
	return a.print(jobText(&j.Job))
}

// wait follows a job until its run has ended, and shows its state meanwhile.
func (a *app) wait(ctx context.Context, j *client.Job) (*client.Job, error) {
	var latest atomic.Pointer[client.Job]
	latest.Store(j)
	refresh, stop := a.screen.Status(func() string { return stateText(&latest.Load().Job) })
	defer stop()
	return a.api.Follow(ctx, j, a.outage, func(j *client.Job, changed bool) {
		if changed {
			a.progress()
		}
		latest.Store(j)
		refresh()
	})
}

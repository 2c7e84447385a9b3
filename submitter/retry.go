package main

import (
	"context"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/picture"
)

type retryCommand struct {
	idArguments
	Wait bool `short:"w" help:"Wait for the job's end; implied by -o."`
	outputFlags
}

// Help returns the text of the command's help page; kong calls it.
func (retryCommand) Help() string {
	return `Runs a job that failed or was canceled again, with the same picture and settings
and under the same id, which it prints. --wait and -o wait for one job, as with
submit; for several there is fetch. A job in another state is not changed: exit
status 7. redrive selects failed jobs of all owners by the reason of the failure.

  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o painted.jpg
  submitter list --state failed --all | submitter retry - | submitter watch -`
}

// Run retries jobs. If the flags say so, it waits for one and fetches its result.
func (cmd *retryCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	if len(ids) > 1 && (cmd.Wait || cmd.Out != "") {
		return errorf(errUsage, "--wait and -o are for one job: submitter retry ID... | submitter fetch - --wait -o DIR/ fetches several")
	}
	return a.each(ids, func(id job.ID) error { return cmd.retry(ctx, a, id) })
}

func (cmd *retryCommand) retry(ctx context.Context, a *app, id job.ID) error {
	before, err := a.api.Job(ctx, id)
	if err != nil {
		return err
	}
	var to *picture.Destination
	if cmd.Out != "" {
		name, err := a.api.ResultName(before)
		if err != nil {
			return err
		}
		if to, err = a.destination(cmd.Out, name, cmd.Force); err != nil {
			return err
		}
	}
	j, err := a.api.RetryJob(ctx, before)
	if err != nil {
		return err
	}
	return a.afterAccepted(ctx, j, to, cmd.Wait, cmd.outputFlags)
}

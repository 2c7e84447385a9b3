package main

import (
	"context"

	"github.com/atelier-go/atelier/pkg/job"
)

type cancelCommand struct {
	idArguments
}

// Help returns the text of the command's help page; kong calls it.
func (cancelCommand) Help() string {
	return `Prints the job as it is afterwards. A queued job will not be painted. The result of a
running job is discarded. The submitted pictures stay, so that retry can run the job
later; delete erases them. A job that has succeeded or failed can't be canceled: exit
status 7. For several jobs, it prints a line for each, with its id and state.

  submitter cancel 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter list --state queued --all | submitter cancel -`
}

// Run cancels jobs.
func (cmd *cancelCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	return a.each(ids, func(id job.ID) error {
		j, err := a.api.Cancel(ctx, id)
		switch {
		case err != nil:
			return err
		case len(ids) > 1 && !a.JSON:
			return a.print(jobLine(&j.Job))
		}
		return a.printJob(j)
	})
}

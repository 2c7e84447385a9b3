package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
)

type listCommand struct {
	State string `placeholder:"STATE" help:"Only jobs that are queued, running, succeeded, failed or canceled."`
	Limit *int   `xor:"many" placeholder:"20" help:"List this many jobs at most."`
	All   bool   `xor:"many" help:"List all jobs."`
	IDs   bool   `name:"ids" short:"q" help:"Print only the ids."`
}

// Help returns the text of the command's help page; kong calls it.
func (listCommand) Help() string {
	return `Prints a line for each job, newest first: its id, its state, the time since it was
submitted, and its style. With an API key, they are the jobs of the key's owner.

  submitter list
  submitter list --state failed --all
  submitter list --state failed --all --ids | submitter retry -
  submitter list --json | jq -r '.jobs[].receipt.cost_usd'

--json prints the API's responses, one a line: one for each page of jobs.`
}

// Validate checks the flags for errors that kong does not find. kong calls it.
func (cmd *listCommand) Validate() error {
	if cmd.State != "" && !job.State(cmd.State).Valid() {
		return fmt.Errorf("--state %.40q is no state of a job: there are queued, running, succeeded, failed and canceled", cmd.State)
	}
	if cmd.Limit != nil && *cmd.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return nil
}

// defaultLimit is how many jobs are listed without --limit and --all.
const defaultLimit = 20

// Run lists jobs.
func (cmd *listCommand) Run(ctx context.Context, a *app) error {
	limit := defaultLimit
	switch {
	case cmd.All:
		limit = math.MaxInt
	case cmd.Limit != nil:
		limit = *cmd.Limit
	}
	n, more, err := a.api.List(ctx, job.State(cmd.State), limit, func(page *client.Page) error { return cmd.print(a, page) })
	switch {
	case err != nil:
		return err
	case more:
		a.screen.Info("there may be more: --all lists them")
	case n == 0:
		a.screen.Info("there are no such jobs")
	}
	return nil
}

func (cmd *listCommand) print(a *app, page *client.Page) error {
	if a.JSON {
		return a.printJSON(page.JSON)
	}
	for i := range page.Jobs {
		line := jobLine(&page.Jobs[i])
		if cmd.IDs {
			line = string(page.Jobs[i].ID)
		}
		if err := a.print(line); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/terminal"
)

type redriveCommand struct {
	IDs  []string `arg:"" optional:"" name:"id" help:"Ids of failed or canceled jobs; - for ids on standard input."`
	All  bool     `xor:"which" help:"All jobs that failed."`
	Code string   `xor:"which" placeholder:"CODE" help:"All jobs that failed with this code, such as gave_up."`
}

// Help returns the text of the command's help page; kong calls it.
func (redriveCommand) Help() string {
	return `Runs failed jobs again, for instance after an outage that made them fail. Prints the
id of each job that runs again. Each that can't is named on standard error with the
reason; then the exit status is 7. If the command is stopped half-way, the same
command continues with the rest: a job that runs again is no longer failed.

  submitter redrive --code gave_up
  submitter redrive --all
  submitter redrive 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f

--json prints the API's responses, one a line: one for each page of jobs.`
}

// many returns true: the command is always about several jobs.
func (*redriveCommand) many() bool { return true }

// Validate checks the flags for errors that kong does not find. kong calls it.
func (cmd *redriveCommand) Validate() error {
	if (len(cmd.IDs) > 0) == (cmd.All || cmd.Code != "") {
		return errors.New("either ids, or --all, or --code CODE is needed")
	}
	return nil
}

// Run runs failed jobs again, until no job is left that the flags select.
func (cmd *redriveCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil || len(cmd.IDs) > 0 && len(ids) == 0 {
		return err
	}
	var retried, skipped atomic.Int64
	progress := func() string { return fmt.Sprintf("%d run again, %d skipped", retried.Load(), skipped.Load()) }
	stop := func() {}
	if !terminal.Is(a.stdout) { // else the ids show the progress
		_, stop = a.screen.Status(progress)
	}
	query := client.RedriveQuery{IDs: ids, All: cmd.All, Code: cmd.Code}
	err = a.api.Redrive(ctx, query, func(page *client.Redriven) error {
		retried.Add(int64(len(page.Retried)))
		skipped.Add(int64(len(page.Skipped)))
		if len(page.Retried)+len(page.Skipped) > 0 {
			a.progress()
		}
		return a.printRedriven(page)
	})
	stop()
	if err != nil {
		return fmt.Errorf("%w; %s: the same command continues with the rest", err, progress())
	}
	a.screen.Info("%s", progress())
	if skipped.Load() > 0 {
		return errorf(client.ErrConflict, "%s", progress())
	}
	return nil
}

func (a *app) printRedriven(page *client.Redriven) error {
	if a.JSON {
		return a.printJSON(page.JSON)
	}
	for _, id := range page.Retried {
		if err := a.print(string(id)); err != nil {
			return err
		}
	}
	for _, s := range page.Skipped {
		a.screen.Notice("%s: %s (%s)", s.ID, s.Detail, s.Code)
	}
	return nil
}

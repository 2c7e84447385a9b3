package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
)

type deleteCommand struct {
	idArguments
	Yes bool `short:"y" help:"Don't ask."`
}

// Help returns the text of the command's help page; kong calls it.
func (deleteCommand) Help() string {
	return `Erases a job in any state: the submitted pictures, the painted one and what is
stored about the job. This can't be undone, so the command asks first, once for
several jobs; without a terminal to ask on, it needs --yes. Afterwards there is no
job of this id: exit status 4.

  submitter delete 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter delete 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --yes
  submitter list --state canceled --all | submitter delete - --yes`
}

// Run erases jobs.
func (cmd *deleteCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	if !cmd.Yes && len(ids) > 0 {
		if err := a.confirmDelete(ctx, ids); err != nil {
			return err
		}
	}
	return a.each(ids, func(id job.ID) error {
		err := a.api.Delete(ctx, id)
		if err == nil {
			a.screen.Info("erased job %s", id)
		}
		return err
	})
}

// confirmDelete returns an error unless the user confirms.
func (a *app) confirmDelete(ctx context.Context, ids []job.ID) error {
	what := fmt.Sprintf("%d jobs", len(ids))
	if len(ids) == 1 {
		what = "job " + string(ids[0])
	}
	if !a.screen.CanConfirm(a.stdin) {
		return errorf(errUsage, "there is no terminal to ask on whether to erase %s: --yes erases without asking", what)
	}
	if len(ids) == 1 {
		j, err := a.api.Job(ctx, ids[0])
		if err != nil {
			return err
		}
		what += fmt.Sprintf(" (%s, %s)", j.State, j.Style)
	}
	yes, err := a.screen.Confirm(ctx, a.stdin, "Erase %s with all pictures, for good? [y/N] ", what)
	if err == nil && !yes {
		err = errors.New("nothing was erased")
	}
	return err
}

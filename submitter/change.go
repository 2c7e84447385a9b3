package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// change asks for a change that is safe to ask for again, and does so where that
// may help. again says that it was, so that the change may have been made by a
// request whose answer was lost.
func (a *app) change(ctx context.Context, method string, id job.ID, action string) (j *jobAnswer, again bool, err error) {
	j, err = retrying(ctx, func() (*jobAnswer, error) {
		return a.api.change(ctx, method, id, action)
	}, passing, func(err error, delay time.Duration) {
		again = true
		a.tryingAgain(err, delay)
	})
	return j, again, err
}

type cancelCommand struct {
	idArguments
}

// Help is kong's hook for a command's page.
func (cancelCommand) Help() string {
	return `Prints where the job stands then. A job that waits is never begun; what is made of
one that runs is thrown away. The pictures that were sent stay, so that retry can
run it after all; delete erases them. For a job that is painted or has failed it
is too late: exit status 7. Of several jobs each line is one: its id and state.

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
		j, _, err := a.change(ctx, http.MethodPost, id, "/cancel")
		switch {
		case err != nil:
			return err
		case len(ids) > 1 && !a.JSON:
			return a.print(listLine(&j.Job))
		}
		return a.tell(j)
	})
}

// tell prints where a job stands.
func (a *app) tell(j *jobAnswer) error {
	if a.JSON {
		return a.printJSON(j.raw)
	}
	return a.print(describe(&j.Job))
}

type retryCommand struct {
	idArguments
	Wait bool `short:"w" help:"Wait for the job's end; -o does so too."`
	outputFlags
}

// Help is kong's hook for a command's page.
func (retryCommand) Help() string {
	return `Runs a job that failed or was canceled again, with the same picture and settings
and under the same id, which it prints. With --wait and -o it goes on as submit
does, for one job; for several there is fetch. A job in another state is left
alone: exit status 7. Everybody's jobs, by reason, are for redrive.

  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o painted.jpg
  submitter list --state failed --all | submitter retry - | submitter watch -`
}

// Run retries jobs and, where asked to, waits for one and fetches it.
func (cmd *retryCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	if len(ids) > 1 && (cmd.Wait || cmd.Out != "") {
		return faultf(errUsage, "--wait and -o are for one job: submitter retry ID... | submitter fetch - --wait -o DIR/ fetches several")
	}
	return a.each(ids, func(id job.ID) error { return cmd.retry(ctx, a, id) })
}

func (cmd *retryCommand) retry(ctx context.Context, a *app, id job.ID) error {
	before, err := a.read(ctx, id)
	if err != nil {
		return err
	}
	var to *destination
	if cmd.Out != "" {
		name, err := a.api.resultOf(&before.Job)
		if err != nil {
			return err
		}
		if to, err = a.newDestination(cmd.Out, name, cmd.Force); err != nil {
			return err
		}
	}
	j, again, err := a.change(ctx, http.MethodPost, id, "/retry")
	if again && errors.Is(err, errState) {
		// The answer to a request before this one was lost, and the job has been begun
		// since, if it is in a later run.
		if now, rerr := a.read(ctx, id); rerr == nil && now.Run > before.Run {
			j, err = now, nil
		}
	}
	if err != nil {
		return err
	}
	return a.goOn(ctx, j, to, cmd.Wait, cmd.outputFlags)
}

// resultOf is what the result of a job is called in a folder. A format that is not
// known is no ending of a file.
func (c *client) resultOf(j *job.Job) (string, error) {
	ending := extension(j.Format)
	if ending == "" {
		return "", c.damaged("the result of job %s is of the format %.40q, and only JPEG, PNG and WebP are saved", j.ID, j.Format)
	}
	return "atelier-" + string(j.ID) + ending, nil
}

type deleteCommand struct {
	idArguments
	Yes bool `short:"y" help:"Don't ask."`
}

// Help is kong's hook for a command's page.
func (deleteCommand) Help() string {
	return `Erases everything of a job, in whatever state it is: the pictures that were sent,
the painted one and what is known of it. This can't be undone, so it asks first;
where there is no terminal to ask on, it needs --yes. Of several jobs it asks once
for all. From then on the job's id is answered as gone: exit status 4.

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
		_, again, err := a.change(ctx, http.MethodDelete, id, "")
		var answer *refusal
		if again && errors.As(err, &answer) && answer.status == http.StatusGone {
			err = nil // by a request before this one, whose answer was lost
		}
		if err == nil {
			a.screen.remark("erased job %s", id)
		}
		return err
	})
}

func (a *app) confirmDelete(ctx context.Context, ids []job.ID) error {
	what := fmt.Sprintf("%d jobs", len(ids))
	if len(ids) == 1 {
		what = "job " + string(ids[0])
	}
	if !a.canAsk() {
		return faultf(errUsage, "there is no terminal to ask on whether to erase %s: --yes erases without asking", what)
	}
	if len(ids) == 1 {
		j, err := a.read(ctx, ids[0])
		if err != nil {
			return err
		}
		what += fmt.Sprintf(" (%s, %s)", j.State, j.Style)
	}
	yes, err := a.ask(ctx, "Erase %s with all pictures, for good? [y/N] ", what)
	if err == nil && !yes {
		err = errors.New("nothing was erased")
	}
	return err
}

package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// change asks for a change that is safe to ask for again, and does so where that
// may help. again says that it was, so that the change may have been made by a
// request whose answer was lost.
func (a *app) change(ctx context.Context, method, address string) (j *jobAnswer, again bool, err error) {
	j, err = retrying(ctx, func() (*jobAnswer, error) {
		return a.api.change(ctx, method, address)
	}, passing, func(err error, delay time.Duration) {
		again = true
		a.tryingAgain(err, delay)
	})
	return j, again, err
}

type cancelCommand struct {
	ID string `arg:"" help:"The job's id, as submit printed it."`
}

// Help is kong's hook for a command's page.
func (cancelCommand) Help() string {
	return `Prints where the job stands then. A job that waits is never begun; what is made of
one that runs is thrown away. The pictures that were sent stay, so that retry can
run it after all; delete erases them. For a job that is painted or has failed it
is too late: exit status 7.

  submitter cancel 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f`
}

// Run cancels a job.
func (cmd *cancelCommand) Run(ctx context.Context, a *app) error {
	id, err := parseID(cmd.ID)
	if err != nil {
		return err
	}
	j, _, err := a.change(ctx, http.MethodPost, jobAddress(id)+"/cancel")
	if err != nil {
		return err
	}
	return a.tell(j)
}

// tell prints where a job stands.
func (a *app) tell(j *jobAnswer) error {
	if a.JSON {
		return a.print(j.raw)
	}
	return a.print([]byte(describe(&j.Job)))
}

type retryCommand struct {
	ID   string `arg:"" help:"The job's id, as submit printed it."`
	Wait bool   `short:"w" help:"Wait for the job's end; -o does so too."`
	outputFlags
}

// Help is kong's hook for a command's page.
func (retryCommand) Help() string {
	return `Runs a job that failed or was canceled again, with the same picture and settings
and under the same id, which it prints. With --wait and -o it goes on as submit
does. A job in another state is left alone: exit status 7. Many at once are for
redrive.

  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o painted.jpg`
}

// Run retries a job and, where asked to, waits for it and fetches it.
func (cmd *retryCommand) Run(ctx context.Context, a *app) error {
	id, err := parseID(cmd.ID)
	if err != nil {
		return err
	}
	before, err := a.read(ctx, id)
	if err != nil {
		return err
	}
	var to *destination
	if cmd.Out != "" {
		if to, err = a.newDestination(cmd.Out, resultOf(&before.Job), cmd.Force); err != nil {
			return err
		}
	}
	j, again, err := a.change(ctx, http.MethodPost, jobAddress(id)+"/retry")
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

// resultOf is what the result of a job is called in a folder.
func resultOf(j *job.Job) string { return "atelier-" + string(j.ID) + extension(j.Format) }

type deleteCommand struct {
	ID  string `arg:"" help:"The job's id, as submit printed it."`
	Yes bool   `short:"y" help:"Don't ask."`
}

// Help is kong's hook for a command's page.
func (deleteCommand) Help() string {
	return `Erases everything of a job, in whatever state it is: the pictures that were sent,
the painted one and what is known of it. This can't be undone, so it asks first;
where there is no terminal to ask on, it needs --yes. From then on the job's id is
answered as gone: exit status 4.

  submitter delete 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter delete 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --yes`
}

// Run erases a job.
func (cmd *deleteCommand) Run(ctx context.Context, a *app) error {
	id, err := parseID(cmd.ID)
	if err != nil {
		return err
	}
	if !cmd.Yes {
		if err := a.confirmDelete(ctx, id); err != nil {
			return err
		}
	}
	_, again, err := a.change(ctx, http.MethodDelete, jobAddress(id))
	var answer *refusal
	if again && errors.As(err, &answer) && answer.status == http.StatusGone {
		err = nil // by a request before this one, whose answer was lost
	}
	if err == nil {
		a.screen.remark("erased job %s", id)
	}
	return err
}

func (a *app) confirmDelete(ctx context.Context, id job.ID) error {
	if !a.canAsk() {
		return faultf(errUsage, "there is no terminal to ask on whether to erase job %s: --yes erases it without asking", id)
	}
	j, err := a.read(ctx, id)
	if err != nil {
		return err
	}
	yes, err := a.ask(ctx, "Erase job %s (%s, %s) with its pictures, for good? [y/N] ", id, j.State, j.Style)
	if err == nil && !yes {
		err = errors.New("nothing was erased")
	}
	return err
}

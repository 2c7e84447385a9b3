package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

type statusCommand struct {
	idArguments
	Wait bool `short:"w" help:"Wait for the job's end first; then exit with 3 if it failed."`
}

// Help is kong's hook for a command's page.
func (statusCommand) Help() string {
	return `Prints where a job stands, why it failed, or what it took. Of several jobs it
tells one after the other; with --json each is a line.

  submitter status 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter status 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --json | jq .receipt
  submitter list --state failed --all | submitter status -`
}

// Run tells the jobs' status.
func (cmd *statusCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	told := false
	return a.each(ids, func(id job.ID) error {
		j, err := a.read(ctx, id)
		if err == nil && cmd.Wait {
			if j, err = a.wait(ctx, j); errors.Is(err, errInterrupted) || errors.Is(err, errAway) {
				return &resumableError{err, a.command("status", string(id), "--wait")}
			}
		}
		if err != nil {
			return err
		}
		if told && !a.JSON {
			if err := a.print(""); err != nil {
				return err
			}
		}
		told = true
		if err := a.tell(j); err != nil || !cmd.Wait {
			return err
		}
		return ended(&j.Job)
	})
}

// describe tells a job in words, a fact on each line.
func describe(j *job.Job) string {
	var b strings.Builder
	fact := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	fact("job", "%s", j.ID)
	fact("state", "%s", progressText(j))
	if j.Error != nil {
		fact("error", "%s (%s)", j.Error.Message, j.Error.Code)
	}
	fact("style", "%s, strength %g", j.Style, j.Strength)
	fact("submitted", "%s", j.CreatedAt.Format(time.RFC3339))
	if j.FinishedAt != nil {
		fact("finished", "%s, after %v", j.FinishedAt.Format(time.RFC3339), j.FinishedAt.Sub(j.CreatedAt).Round(time.Millisecond))
	}
	if j.Run > 1 || j.Attempts > 1 {
		fact("attempts", "%d in run %d", j.Attempts, j.Run)
	}
	if r := j.Result; r != nil {
		fact("result", "%d x %d pixels, %s, %d bytes", r.Width, r.Height, r.ContentType, r.Bytes)
	}
	if r := j.Receipt; r != nil {
		fact("took", "%.0f ms waiting, %.0f ms painting, by a %s with %s and %s", r.QueueWaitMS, r.StylizeMS, r.Worker, r.Engine, r.Model)
		if r.BilledMS != nil && r.MemoryMB != nil && r.CostUSD != nil {
			fact("cost", "about %.7f $: %.0f ms of a function with %.0f MB", *r.CostUSD, *r.BilledMS, *r.MemoryMB)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

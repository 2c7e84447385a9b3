package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/atelier-go/atelier/submitter/batch"
	"github.com/atelier-go/atelier/submitter/client"
)

type resumeCommand struct {
	Batch  string `arg:"" optional:"" help:"The batch's name, as it was shown. Needed if several are unfinished."`
	Forget bool   `help:"Forget the batch instead of resuming it. Its jobs stay."`
}

// Help returns the text of the command's help page; kong calls it.
func (resumeCommand) Help() string {
	return `Continues a submit of several pictures that was ended by Ctrl-C, --timeout or a crash, or
in which some pictures failed because of the API. It sends the pictures that were not
sent, waits for the jobs, and writes their results, as submit does. Nothing is done
twice. It also tries pictures again that could not be read or were rejected. To run jobs
again that failed, use retry. The state of a batch is a file below
$XDG_STATE_HOME/atelier, or ~/.local/state/atelier. It is removed when every picture is
done or has failed in a way that another try would not change.

  submitter resume
  submitter resume k3xq7r2m5a

A picture that is sent again within a day makes no second job. A picture whose response
was lost, and that is sent again later than that, may become a second job.`
}

// many returns true: the command is always about several pictures.
func (*resumeCommand) many() bool { return true }

// keyLife is how long the API remembers an Idempotency-Key.
const keyLife = 24 * time.Hour

// Run resumes a batch.
func (cmd *resumeCommand) Run(ctx context.Context, a *app) error {
	folder, err := stateFolder(a.getenv)
	if err != nil {
		return err
	}
	batch.RemoveLeftovers(folder)
	name := cmd.Batch
	if name == "" {
		if name, err = a.onlyBatch(folder); err != nil || name == "" {
			return err
		}
	}
	if !batch.ValidName(name) {
		return errorf(errUsage, "%.60q is no name of a batch, such as k3xq7r2m5a", name)
	}
	b, err := batch.Open(folder, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errorf(client.ErrNotFound, "there is no unfinished batch %s: it is done, or was started by another user or on another machine", name)
	case errors.Is(err, batch.ErrBusy):
		return errorf(client.ErrConflict, "batch %s: %w", name, err)
	case err != nil && cmd.Forget:
		return batch.RemoveJournal(folder, name)
	case err != nil:
		return fmt.Errorf("%w; submitter resume %s --forget removes it", err, name)
	}
	b.RemoveTemporary()
	if cmd.Forget {
		b.RemoveJournal()
		return nil
	}
	if api := b.Options().API; api != a.API {
		b.Close()
		return errorf(errUsage, "batch %s was started with --api %s: resume it with the same", name, shellWord(api))
	}
	if time.Since(b.Began()) > keyLife {
		a.screen.Notice("batch %s is more than a day old: a picture whose response was lost may become a second job", name)
	}
	return a.runBatch(ctx, b, &tally{total: b.Left(), things: "pictures", screen: a.screen})
}

// onlyBatch returns the name of the batch to resume if the user names none: that of the only
// unfinished one, or "" if there is none.
func (a *app) onlyBatch(folder string) (string, error) {
	batches, err := batch.List(folder)
	if err != nil {
		return "", err
	}
	switch len(batches) {
	case 0:
		a.screen.Notice("there is no unfinished batch")
		return "", nil
	case 1:
		return batches[0].Name, nil
	}
	var lines []string
	for _, b := range batches {
		command := a.command("resume", b.Name)
		if b.Err != nil {
			lines = append(lines, fmt.Sprintf("  %s  %v", command, b.Err))
			continue
		}
		lines = append(lines, fmt.Sprintf("  %s  # %d of %d pictures left, started %s ago in %s",
			command, b.Left, b.Pictures, age(time.Since(b.Began)), b.Folder))
	}
	return "", errorf(errUsage, "%d batches are unfinished; one of:\n%s", len(batches), strings.Join(lines, "\n"))
}

package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

type fetchCommand struct {
	idArguments
	Wait bool `short:"w" help:"Wait for the job's end first."`
	outputFlags
}

// Help returns the text of the command's help page; kong calls it.
func (fetchCommand) Help() string {
	return `Writes the painted picture to a file, whole or not at all, and prints the file's
name. Without -o the file is named after the job and goes to the current folder, or,
with a folder as -o, to that folder. The picture is checked against the job's length
and SHA-256. A file that has this content already is not written again, so that the
command can be repeated.

  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --wait -o painted.jpg
  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o - | display
  submitter list --state succeeded --all | submitter fetch - -o painted/`
}

// Run fetches the results of jobs.
func (cmd *fetchCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	if cmd.many() && cmd.Out == "-" {
		return errorf(errUsage, "-o - is for one picture: several need a folder, such as painted/")
	}
	if cmd.many() && cmd.Out != "" {
		cmd.Out += string(filepath.Separator) // it must be a folder
	}
	return a.each(ids, func(id job.ID) error { return cmd.fetch(ctx, a, id) })
}

func (cmd *fetchCommand) fetch(ctx context.Context, a *app, id job.ID) error {
	j, err := a.api.Job(ctx, id)
	if err != nil {
		return err
	}
	name, err := a.api.ResultName(j)
	if err != nil {
		return err
	}
	to, err := a.destination(cmp.Or(cmd.Out, "."), name, cmd.Force)
	if errors.Is(err, fs.ErrExist) && j.Result != nil && to.Holds(j.Result.Bytes, j.Result.SHA256) {
		return cmd.report(a, j, to)
	}
	if err != nil {
		return err
	}
	if cmd.Wait {
		if j, err = a.wait(ctx, j); err != nil {
			return a.resumable(err, id, cmd.outputFlags)
		}
	}
	if err := a.save(ctx, j, to); err != nil {
		return err
	}
	return cmd.report(a, j, to)
}

func (cmd *fetchCommand) report(a *app, j *client.Job, to *picture.Destination) error {
	switch {
	case a.JSON:
		return a.printJSON(j.JSON)
	case to.Path != "":
		return a.write([]byte(to.Path)) // not escaped, for scripts
	}
	return nil
}

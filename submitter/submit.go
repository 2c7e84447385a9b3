package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

// Run submits pictures. If the flags say so, it waits for their jobs and fetches the results.
func (cmd *submitCommand) Run(ctx context.Context, a *app) error {
	if cmd.many() {
		return cmd.submitBatch(ctx, a)
	}
	photograph := cmd.Photos[0]
	if cmd.Format == "" && cmd.Out != "-" {
		cmd.Format = picture.FormatOfName(cmd.Out)
	}
	var to *picture.Destination
	if cmd.Out != "" {
		if cmd.Format == "" && picture.IsFolder(cmd.Out) {
			cmd.Format = defaultFormat // the file's name, which is checked first, depends on it
		}
		var err error
		if to, err = a.destination(cmd.Out, picture.ResultName(photograph, cmd.Style, cmd.Format), cmd.Force); err != nil {
			return err
		}
	}
	j, err := cmd.send(ctx, a, photograph)
	if err != nil {
		return err
	}
	return a.afterAccepted(ctx, j, to, cmd.Wait, cmd.outputFlags)
}

// defaultFormat is the format of results if the user names none: the API's default.
const defaultFormat = "jpeg"

// many reports whether the command is about several pictures, or is written so that it may be: if
// results go to a folder, a shell's pattern may have matched only one picture.
func (cmd *submitCommand) many() bool {
	if len(cmd.Photos) != 1 || cmd.FilesFrom != "" {
		return true
	}
	if cmd.Photos[0] == picture.Stdin {
		return false
	}
	info, err := os.Stat(cmd.Photos[0])
	return err == nil && info.IsDir() || picture.IsFolder(cmd.Out)
}

// options returns the settings of the jobs that the flags give.
func (cmd *submitCommand) options() client.Options {
	o := client.Options{
		Style: cmd.Style, Strength: cmd.Strength, Size: cmd.Size, Format: cmd.Format, Quality: cmd.Quality, PreserveColors: cmd.PreserveColors,
	}
	if cmd.Public || cmd.Private {
		o.Public = &cmd.Public
	}
	return o
}

// send submits a picture, and tries again if that may help. All tries have the same key, so that
// they make one job.
func (cmd *submitCommand) send(ctx context.Context, a *app, path string) (*client.Job, error) {
	photograph, err := picture.Open(ctx, path, a.pictureInput())
	if err != nil {
		return nil, err
	}
	defer photograph.Close()
	var style *picture.File
	if cmd.StyleImage != "" {
		if style, err = picture.Open(ctx, cmd.StyleImage, a.pictureInput()); err != nil {
			return nil, err
		}
		defer style.Close()
	}
	options, key, uncertain := cmd.options(), cmp.Or(cmd.Key, rand.Text()), false
	s, err := a.api.NewSubmission(&options, photograph, style, key)
	if err != nil {
		return nil, err
	}
	j, err := client.Retry(ctx, func() (*client.Job, error) {
		progress, done := a.screen.UploadBar(s.Size())
		defer done()
		j, maybe, err := s.Send(ctx, progress)
		uncertain = uncertain || maybe
		return j, err
	}, client.Temporary, a.onRetry)
	switch {
	case err == nil || !client.Unavailable(err) && !errors.Is(err, errInterrupted):
		return j, err
	case !uncertain && client.Refused(err):
		return nil, err // its text says so
	case uncertain:
		return nil, fmt.Errorf("%w; it may have become a job: the same command with --key %s makes no second one", err, shellWord(key))
	}
	return nil, fmt.Errorf("%w; nothing was submitted", err)
}

// afterAccepted prints the id of an accepted job. If wait is set it then waits for the job and
// fetches its result.
func (a *app) afterAccepted(ctx context.Context, j *client.Job, to *picture.Destination, wait bool, out outputFlags) error {
	err := a.printID(j, to)
	switch {
	case err != nil:
	case to != nil || wait:
		err = a.waitAndSave(ctx, j, to)
	case a.JSON:
		return a.printJSON(j.JSON)
	default:
		a.screen.Info("fetch it with: submitter fetch %s --wait", j.ID)
	}
	if err != nil {
		return a.resumable(err, j.ID, out)
	}
	return nil
}

// printID prints the id of a job. It is called as soon as the job is accepted, so that the user
// knows the id even if something fails later.
func (a *app) printID(j *client.Job, to *picture.Destination) error {
	switch {
	case to != nil && to.Path == "":
		a.screen.Notice("%s", j.ID)
		return nil
	case a.JSON:
		return nil // the job is printed once, at its end
	}
	return a.print(string(j.ID))
}

// waitAndSave waits until a job's run has ended and, unless to is nil, saves its result.
func (a *app) waitAndSave(ctx context.Context, j *client.Job, to *picture.Destination) error {
	j, err := a.wait(ctx, j)
	if err != nil {
		return err
	}
	if a.JSON {
		if err := a.printJSON(j.JSON); err != nil {
			return err
		}
	}
	if to != nil {
		return a.save(ctx, j, to)
	}
	if err := j.Err(); err != nil {
		return err
	}
	a.screen.Info("%s; fetch it with: submitter fetch %s", job.Succeeded, j.ID)
	return nil
}

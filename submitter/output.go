package main

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
	"github.com/atelier-go/atelier/submitter/terminal"
)

// outputFlags are the flags that say where a result is written.
type outputFlags struct {
	Out   string `short:"o" placeholder:"FILE" help:"Write the picture to FILE, to the folder DIR/, which is made, or to standard output (-)."`
	Force bool   `short:"f" help:"Replace FILE if it exists."`
}

// destination returns where -o says that the result goes: a file, a file called name in a folder,
// or standard output for "-". It returns an error if the result can't be written there, so that
// nothing is sent or waited for in vain. If the error is an [fs.ErrExist], it returns the
// destination too.
func (a *app) destination(out, name string, force bool) (*picture.Destination, error) {
	if out == "-" {
		switch {
		case a.JSON:
			return nil, errorf(errUsage, "-o - and --json would both write to standard output")
		case terminal.Is(a.stdout):
			return nil, errorf(errUsage, "-o - would write a picture to the terminal: redirect standard output, or name a file")
		}
		return &picture.Destination{}, nil
	}
	d := &picture.Destination{Path: out, Force: force}
	if picture.IsFolder(out) {
		d.Path = filepath.Join(out, name)
		if err := picture.MakeFolder(out); err != nil {
			return d, err
		}
	}
	return d, hintForce(d.Check())
}

// hintForce returns err, which says that a file exists, with the flag that replaces the file.
func hintForce(err error) error {
	e := (*picture.ExistsError)(nil)
	switch {
	case !errors.As(err, &e):
		return err
	case e.Others > 0:
		return fmt.Errorf("%w; --force replaces them", err)
	}
	return fmt.Errorf("%w; --force replaces it", err)
}

// save downloads the result of a finished job to its destination, and tells the user what it is.
func (a *app) save(ctx context.Context, j *client.Job, to *picture.Destination) error {
	if err := j.Err(); errors.Is(err, client.ErrConflict) {
		return fmt.Errorf("%w: --wait waits for it", err)
	} else if err != nil {
		return err
	}
	err := to.Write(a.stdout, func(f *os.File) error { return a.api.Download(ctx, j, f) })
	if err != nil || to.Path == "" {
		return hintForce(err)
	}
	if named := mime.TypeByExtension(filepath.Ext(to.Path)); strings.HasPrefix(named, "image/") && named != j.Result.ContentType {
		a.screen.Notice("%s contains %s, not what its name says", to.Path, j.Result.ContentType)
	}
	a.screen.Info("%s: %d x %d pixels, %d bytes", to.Path, j.Result.Width, j.Result.Height, j.Result.Bytes)
	return nil
}

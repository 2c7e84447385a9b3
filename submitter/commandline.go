package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"
)

const defaultAPI = "http://127.0.0.1:8080"

var description = `Submits pictures to Atelier, which repaints them in a style, and fetches the
results.

  submitter styles
  submitter submit cat.jpg --style watercolour -o painted.jpg
  submitter submit cat.jpg --style stained-glass:2,watercolour:1 --wait
  submitter submit holiday/ --recursive --style mosaic -o painted/
  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o painted.jpg
  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --wait

Exit status:
` + exitHelp()

// commandLine is what kong reads the arguments into.
type commandLine struct {
	settings

	Submit  submitCommand  `cmd:"" help:"Submit pictures; with -o or --wait, wait for them."`
	Resume  resumeCommand  `cmd:"" help:"Go on with a batch that was interrupted or partly failed."`
	Status  statusCommand  `cmd:"" help:"Tell what became of a job."`
	Watch   watchCommand   `cmd:"" help:"Follow jobs until they have ended."`
	Fetch   fetchCommand   `cmd:"" help:"Fetch the painted picture of a job."`
	List    listCommand    `cmd:"" help:"List your jobs, newest first."`
	Cancel  cancelCommand  `cmd:"" help:"End a job before it is painted."`
	Retry   retryCommand   `cmd:"" help:"Run a failed or canceled job again."`
	Delete  deleteCommand  `cmd:"" help:"Erase a job with its pictures, for good."`
	Redrive redriveCommand `cmd:"" help:"Run many failed jobs again."`
	Styles  stylesCommand  `cmd:"" help:"List the styles."`
}

// settings are the flags that every command takes.
type settings struct {
	API          string           `name:"api" default:"${api}" placeholder:"URL" help:"Base address of the API (default ${api}; or set $$ATELIER_API)."`
	KeyFile      string           `name:"key-file" placeholder:"FILE" help:"The API key, where the API asks for one, is in FILE (or in $$ATELIER_API_KEY)."`
	PlaintextKey bool             `name:"allow-plaintext-key" help:"Send the key to another machine over http too, where everybody on the way can read it (or set $$ATELIER_ALLOW_PLAINTEXT_KEY)."`
	Timeout      time.Duration    `default:"10m" placeholder:"10m" help:"Give up after so long in all, or, with several jobs, without news of any; 0 is never."`
	JSON         bool             `name:"json" help:"Print the API's JSON on standard output."`
	Version      kong.VersionFlag `help:"Print the version."`
}

// environment is the fallback for flags that aren't given. It goes through
// getenv and not through kong's own env tag, so that run reads no global.
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		name, ok := map[string]string{"api": "ATELIER_API", "allow-plaintext-key": plaintextVariable}[flag.Name]
		if v := getenv(name); ok && v != "" {
			return v, nil
		}
		return nil, nil
	})
}

// An app is what the commands work with.
type app struct {
	settings
	api    *client
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	screen *screen
	outage outage
	quiet  *time.Timer // ends a command about several jobs; nil where nothing does
}

// within is ctx bounded by --timeout.
func (a *app) within(ctx context.Context, many bool) (context.Context, context.CancelFunc) {
	switch {
	case a.Timeout <= 0:
		return ctx, func() {}
	case !many:
		return context.WithTimeoutCause(ctx, a.Timeout, faultf(errAway, "gave up after %v; --timeout allows more", a.Timeout))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a.quiet = time.AfterFunc(a.Timeout, func() {
		cancel(faultf(errAway, "gave up after %v without news; --timeout allows more", a.Timeout))
	})
	return ctx, func() {
		a.quiet.Stop()
		cancel(nil)
	}
}

// heard says that there was news of a job.
func (a *app) heard() {
	if a.quiet != nil {
		a.quiet.Reset(a.Timeout)
	}
}

type stylesCommand struct{}

// Help is kong's hook for a command's page.
func (stylesCommand) Help() string {
	return `Prints a line for each style: its name, which submit --style takes, and its title.`
}

// Run lists the styles.
func (stylesCommand) Run(ctx context.Context, a *app) error {
	list, err := retrying(ctx, func() (*styleList, error) { return a.api.styles(ctx) }, transient, nil)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.printJSON(list.raw)
	}
	width := 0
	for _, s := range list.Styles {
		width = max(width, min(len(s.Name), widestStyle))
	}
	for _, s := range list.Styles {
		if err := a.print(fmt.Sprintf("%-*s  %s", width, s.Name, s.Title)); err != nil {
			return err
		}
	}
	return nil
}

// widestStyle bounds the column of styles' names: one that is longer pushes its own
// title aside and no other.
const widestStyle = 40

// print writes text, a line or several, to standard output.
func (a *app) print(text string) error { return a.write([]byte(escapeLines(text))) }

// printJSON writes a JSON value to standard output, in a line.
func (a *app) printJSON(raw []byte) error {
	line, err := escapeJSON(raw)
	if err != nil {
		return err
	}
	return a.write(line)
}

// write writes a line to standard output as it is. That it could not be written is an
// error: a script that reads nothing must not see success.
func (a *app) write(line []byte) error {
	if _, err := a.stdout.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

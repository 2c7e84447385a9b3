package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/escape"
	"github.com/atelier-go/atelier/submitter/terminal"
)

// An app is what all commands use: settings, the client of the API, and the terminal.
type app struct {
	settings
	api    *client.Client
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	screen *terminal.Screen
	outage *client.Outage
	idle   *time.Timer // ends a command about several jobs without progress; nil if nothing does
}

func newApp(s settings, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) (*app, error) {
	key, err := readCredential(s.KeyFile, getenv)
	if err != nil {
		return nil, err
	}
	a := &app{settings: s, getenv: getenv, stdin: stdin, stdout: stdout, screen: terminal.New(stderr, getenv("TERM"))}
	a.outage = newOutage(a.screen)
	a.api, err = client.New(client.Config{Address: s.API, Key: key.key, Hint: key.hint, OnRetry: a.onRetry})
	if err != nil {
		return nil, errorf(errUsage, "--api %.200q is %w, such as %s", s.API, err, defaultAPI)
	}
	return a, a.protectKey(key)
}

func newOutage(screen *terminal.Screen) *client.Outage {
	return &client.Outage{
		Began: func(err error) { screen.Notice("%v; still waiting", err) },
		Ended: func() { screen.Notice("the API is available again") },
	}
}

// withTimeout returns a context that ends after --timeout, if that is set. If many is set, the
// command is about several jobs: then the context ends when no job has made progress for that time.
func (a *app) withTimeout(ctx context.Context, many bool) (context.Context, context.CancelFunc) {
	switch {
	case a.Timeout <= 0:
		return ctx, func() {}
	case !many:
		return context.WithTimeoutCause(ctx, a.Timeout, errorf(client.ErrUnavailable, "gave up after %v; --timeout allows more", a.Timeout))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a.idle = time.AfterFunc(a.Timeout, func() {
		cancel(errorf(client.ErrUnavailable, "gave up after %v without progress; --timeout allows more", a.Timeout))
	})
	return ctx, func() {
		a.idle.Stop()
		cancel(nil)
	}
}

// progress is called whenever a job has made progress, and starts the time of --timeout again.
func (a *app) progress() {
	if a.idle != nil {
		a.idle.Reset(a.Timeout)
	}
}

// onRetry tells the user why a request is repeated after delay.
func (a *app) onRetry(err error, delay time.Duration) {
	a.screen.Notice("%v; trying again in %v", err, delay.Round(100*time.Millisecond))
}

// pictureInput returns standard input, to read a picture from; nil if it is a terminal.
func (a *app) pictureInput() io.Reader {
	if terminal.Is(a.stdin) {
		return nil
	}
	return a.stdin
}

// print writes text, one line or several, to standard output.
func (a *app) print(text string) error { return a.write([]byte(escape.Lines(text))) }

// printJSON writes a JSON value to standard output, in one line.
func (a *app) printJSON(raw []byte) error {
	line, err := escape.JSON(raw)
	if err != nil {
		return err
	}
	return a.write(line)
}

// printAbove writes a line to standard output. If a bar or table is shown on the same terminal, the
// line appears above it.
func (a *app) printAbove(line string) error {
	if a.screen.Interactive() && terminal.Is(a.stdout) {
		a.screen.Notice("%s", line)
		return nil
	}
	return a.print(line)
}

// write writes a line to standard output unchanged. It returns an error if that fails, so that a
// script that reads no output does not see success.
func (a *app) write(line []byte) error {
	if _, err := a.stdout.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

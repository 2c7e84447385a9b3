package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// What can go wrong, as far as a script must tell it apart.
var (
	errUsage       = errors.New("usage")
	errFailed      = errors.New("failed")
	errNotFound    = errors.New("not found")
	errRefused     = errors.New("refused")
	errAway        = errors.New("away")
	errDenied      = errors.New("denied")
	errState       = errors.New("state")
	errSeveral     = errors.New("several")
	errInterrupted = errors.New("interrupted")
)

// exits is the one table from error to exit status; --help prints it. An error
// that is of no kind listed here exits with 1.
var exits = []struct {
	kind    error
	code    int
	meaning string
}{
	{nil, 0, "done"},
	{nil, 1, "another error, such as a file that can't be read or written"},
	{errUsage, 2, "the command line is wrong"},
	{errFailed, 3, "the job failed or was canceled"},
	{errNotFound, 4, "no such job, or it is gone"},
	{errRefused, 5, "the API refused what was sent"},
	{errAway, 6, "the API is away or at fault, or --timeout was over"},
	{errState, 7, "the job is in the wrong state for that: unfinished, finished, or not failed"},
	{errDenied, 8, "the API wants an API key, or one that is for more"},
	{errSeveral, 9, "of several, some failed, for different reasons; for one reason it is that one's"},
	{errInterrupted, 130, "interrupted"},
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	for _, e := range exits {
		if e.kind != nil && errors.Is(err, e.kind) {
			return e.code
		}
	}
	return 1
}

// kindOf is the kind of error that exits with code, nil if there is none.
func kindOf(code int) error {
	for _, e := range exits {
		if e.code == code {
			return e.kind
		}
	}
	return nil
}

func exitHelp() string {
	var b strings.Builder
	for _, e := range exits {
		fmt.Fprintf(&b, "  %-3d  %s\n", e.code, e.meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// A fault is an error of a kind that exits knows. Its text is all that the user
// reads, and so a sentence with what to do about it.
type fault struct {
	kind error
	err  error // its text, and its causes
}

func (f *fault) Error() string   { return f.err.Error() }
func (f *fault) Unwrap() []error { return []error{f.kind, f.err} }

func faultf(kind error, format string, args ...any) error {
	return &fault{kind, fmt.Errorf(format, args...)}
}

// stopped is why ctx ended, if a signal or --timeout ended it, or a command that
// gave up; nil if it did not end, or by a time limit of a single request.
func stopped(ctx context.Context) error {
	var timeout *fault
	var gave gaveUp
	switch cause := context.Cause(ctx); {
	case cause == nil, errors.Is(cause, context.DeadlineExceeded):
		return nil
	case errors.As(cause, &gave):
		return gave.error
	case errors.As(cause, &timeout):
		return timeout
	}
	return faultf(errInterrupted, "interrupted")
}

// gaveUp is the cause with which a command ends its own context.
type gaveUp struct{ error }

// usageError names the help page of the command that was meant.
func usageError(err error) error {
	command := "submitter"
	if p := (*kong.ParseError)(nil); errors.As(err, &p) {
		if node := p.Context.Selected(); node != nil {
			command += " " + node.Name
		}
	}
	return faultf(errUsage, "%w; see %s --help", err, command)
}

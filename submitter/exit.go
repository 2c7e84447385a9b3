package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

// Kinds of errors that have their own exit status, in addition to those of package client.
var (
	errUsage       = errors.New("usage")
	errSeveral     = errors.New("several")
	errInterrupted = errors.New("interrupted")
)

// exits is the table from kinds of errors to exit statuses; --help prints it. Any other error exits
// with 1.
var exits = []struct {
	kinds   []error
	code    int
	meaning string
}{
	{nil, 0, "done"},
	{nil, 1, "another error, such as a file that can't be read or written"},
	{[]error{errUsage, picture.ErrTerminal}, 2, "the command line is wrong"},
	{[]error{client.ErrJobFailed}, 3, "the job failed or was canceled"},
	{[]error{client.ErrNotFound}, 4, "there is no such job, or it was erased or has expired"},
	{[]error{client.ErrRejected}, 5, "the API rejected what was sent"},
	{[]error{client.ErrUnavailable}, 6, "the API is unavailable or at fault, or --timeout is over"},
	{[]error{client.ErrConflict}, 7, "the job's state does not allow it: unfinished, finished, or not failed"},
	{[]error{client.ErrUnauthorized}, 8, "the API requires an API key, or one with another scope"},
	{[]error{errSeveral}, 9, "several failed for different reasons; for one reason, its status is used"},
	{[]error{errInterrupted}, 130, "interrupted"},
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	for _, e := range exits {
		for _, kind := range e.kinds {
			if errors.Is(err, kind) {
				return e.code
			}
		}
	}
	return 1
}

// kindOf returns a kind of errors whose exit status is code; nil if there is none.
func kindOf(code int) error {
	for _, e := range exits {
		if e.code == code && len(e.kinds) > 0 {
			return e.kinds[0]
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

// A kindError is an error of one of the kinds in exits. Its text is that of err, a sentence that
// says what to do.
type kindError struct {
	kind error
	err  error
}

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.err} }

func errorf(kind error, format string, args ...any) error {
	return &kindError{kind, fmt.Errorf(format, args...)}
}

// usageError returns err with a sentence that says which help page to read.
func usageError(err error) error {
	command := "submitter"
	if p, ok := errors.AsType[*kong.ParseError](err); ok {
		if node := p.Context.Selected(); node != nil {
			command += " " + node.Name
		}
	}
	return errorf(errUsage, "%w; see %s --help", err, command)
}

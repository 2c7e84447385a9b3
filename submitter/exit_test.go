package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/submitter/client"
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("disk full"), 1},
		{&client.StatusError{Status: 409}, 7},
		{&client.StatusError{Status: 307}, 1},
		{errorf(errUsage, "x"), 2},
		{errorf(client.ErrJobFailed, "x"), 3},
		{&client.StatusError{Status: 404}, 4},
		{&client.StatusError{Status: 410}, 4},
		{&client.StatusError{Status: 400}, 5},
		{&client.StatusError{Status: 401}, 8},
		{&client.StatusError{Status: 403}, 5},
		{&client.StatusError{Status: 403, Code: "forbidden"}, 8},
		{&client.StatusError{Status: 422}, 5},
		{&client.StatusError{Status: 429}, 6},
		{&client.StatusError{Status: 500}, 6},
		{&client.StatusError{Status: 503}, 6},
		{errorf(errInterrupted, "x"), 130},
		{errorf(errSeveral, "x"), 9},
		{&resumableError{fmt.Errorf("x: %w", errorf(errInterrupted, "x")), "y"}, 130},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%#v): got %d, want %d", c.err, got, c.want)
		}
	}
}

// An error that would come again with every picture ends a batch; one of a single picture does not.
func TestFatal(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&client.StatusError{Status: 415}, false},
		{&client.StatusError{Status: 500}, false},
		{&client.StatusError{Status: 503}, true},
		{&client.StatusError{Status: 401}, true},
		{errorf(client.ErrJobFailed, "x"), false},
		{errorf(client.ErrMalformed, "x"), false},
		{errorf(client.ErrUnavailable, "x"), true},
		{errorf(errInterrupted, "x"), true},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, false},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true},
	} {
		if got := fatal(c.err); got != c.want {
			t.Errorf("fatal(%#v): got %v, want %v", c.err, got, c.want)
		}
	}
}

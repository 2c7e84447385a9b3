package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
)

// A resumableError is an error with the command that continues the work.
type resumableError struct {
	err     error
	command string
}

func (e *resumableError) Error() string { return e.err.Error() + "\nresume with: " + e.command }
func (e *resumableError) Unwrap() error { return e.err }

// resumable returns err, which occurred after a job was accepted, with the command that continues
// with that job. If the job has failed or does not exist any more, it returns err unchanged.
func (a *app) resumable(err error, id job.ID, out outputFlags) error {
	if errors.Is(err, client.ErrJobFailed) || errors.Is(err, client.ErrNotFound) {
		return err
	}
	words := []string{"fetch", string(id), "--wait"}
	if out.Out != "" {
		words = append(words, "-o", shellWord(out.Out))
	}
	if out.Force {
		words = append(words, "--force")
	}
	return &resumableError{err, a.command(words...)}
}

// command returns a command line that the user can type. It has the flags that say which API is
// meant.
func (a *app) command(words ...string) string {
	words = append([]string{"submitter"}, words...)
	if env := a.getenv("ATELIER_API"); a.API != env && (a.API != defaultAPI || env != "") {
		words = append(words, "--api", shellWord(a.API))
	}
	if a.KeyFile != "" {
		words = append(words, "--key-file", shellWord(a.KeyFile))
	}
	if a.PlaintextKey && a.getenv(plaintextVariable) == "" {
		words = append(words, "--allow-plaintext-key")
	}
	return strings.Join(words, " ")
}

// shellWord returns s as one word for a shell, in quotes if it needs them.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,=") == "" {
		return s
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return "$" + "'" + strings.ReplaceAll(strings.Trim(strconv.QuoteToASCII(s), `"`), "'", `\'`) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

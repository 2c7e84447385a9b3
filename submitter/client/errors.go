package client

import (
	"context"
	"errors"
	"fmt"
)

// The kinds of errors, for [errors.Is]. An error of none of these kinds comes from this machine, if
// a file can't be read, for example; from a context that has ended; or from a server that is not
// Atelier's API.
var (
	ErrNotFound     = errors.New("not found")    // there is no such job, or it was erased or has expired
	ErrRejected     = errors.New("rejected")     // the API does not accept what was sent
	ErrUnauthorized = errors.New("unauthorized") // the API requires an API key, or one with another scope
	ErrConflict     = errors.New("conflict")     // the job's state does not allow the request
	ErrJobFailed    = errors.New("job failed")   // the job failed or was canceled
	ErrUnavailable  = errors.New("unavailable")  // the API can't be reached or failed; a later try may succeed

	// ErrMalformed means that a response contradicts the API's contract. Such an error is an
	// ErrUnavailable too.
	ErrMalformed = fmt.Errorf("malformed response: %w", ErrUnavailable)
)

// Kind returns which of these kinds an error has; nil if it has none.
func Kind(err error) error {
	for _, kind := range []error{ErrNotFound, ErrRejected, ErrUnauthorized, ErrConflict, ErrJobFailed, ErrMalformed, ErrUnavailable} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// ErrPlaintextServer means that a request was made with https, and that the server only knows http.
var ErrPlaintextServer = errors.New("server without https")

// A failure is an error of one of these kinds. Its text is a sentence for users.
type failure struct {
	kind  error
	err   error  // the text, and what it wraps
	cause error  // for errors.Is and errors.As only; may be nil
	hint  string // appended to the text; see Config.Hint
}

func failuref(kind, cause error, format string, args ...any) *failure {
	return &failure{kind: kind, cause: cause, err: fmt.Errorf(format, args...)}
}

func (f *failure) Error() string { return f.err.Error() + f.hint }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind, f.err}
	}
	return []error{f.kind, f.err, f.cause}
}

// malformed returns the error for a response that contradicts the API's contract.
func (c *Client) malformed(format string, args ...any) error {
	return failuref(ErrMalformed, nil, "%s does not respond as Atelier's API does: %w", c.base.Redacted(), fmt.Errorf(format, args...))
}

// errRequestTimeout is the cause of a context that ended because a single request took too long. It
// implements net.Error.
var errRequestTimeout error = requestTimeout{}

type requestTimeout struct{}

func (requestTimeout) Error() string { return "the request took too long" }

// Timeout implements net.Error.
func (requestTimeout) Timeout() bool { return true }

// Temporary implements net.Error.
func (requestTimeout) Temporary() bool { return true }

// callerEnded returns the cause of ctx if the caller of this package has ended it. It returns nil
// if ctx has not ended, or only because a single request took too long.
func callerEnded(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == errRequestTimeout { //nolint:errorlint // an error that wraps it is a caller's
		return nil
	}
	return cause
}

package client

import (
	"context"
	"errors"
	"fmt"
)

// Kinds of errors, for [errors.Is]. An error that is of none of them comes from this machine,
// such as a file that can't be read, from the end of a context, or from a server that is not
// Atelier's API.
var (
	ErrNotFound     = errors.New("not found")    // there is no such job, or it was erased or has expired
	ErrRejected     = errors.New("rejected")     // the API does not accept what was sent
	ErrUnauthorized = errors.New("unauthorized") // the API requires an API key, or one with another scope
	ErrConflict     = errors.New("conflict")     // the job's state does not allow the request
	ErrJobFailed    = errors.New("job failed")   // the job failed or was canceled
	ErrUnavailable  = errors.New("unavailable")  // the API can't be reached or failed; a later try may succeed

	// ErrMalformed is the kind of a response that contradicts the API's contract. It is an
	// ErrUnavailable too.
	ErrMalformed = fmt.Errorf("malformed response: %w", ErrUnavailable)
)

// Kind returns the kind of an error, or nil for an error of none.
func Kind(err error) error {
	for _, kind := range []error{ErrNotFound, ErrRejected, ErrUnauthorized, ErrConflict, ErrJobFailed, ErrMalformed, ErrUnavailable} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// ErrPlaintextServer is wrapped by the error of a request by https to a server of http.
var ErrPlaintextServer = errors.New("server without https")

// A failure is an error of one of the kinds above. Its text is a sentence for users.
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

// malformed is the error of a response that contradicts the API's contract.
func (c *Client) malformed(format string, args ...any) error {
	return failuref(ErrMalformed, nil, "%s does not respond as Atelier's API does: %w", c.base.Redacted(), fmt.Errorf(format, args...))
}

// errRequestTimeout is the cause of the end of a context that bounds a single request. It is
// a net.Error.
var errRequestTimeout error = requestTimeout{}

type requestTimeout struct{}

func (requestTimeout) Error() string { return "the request took too long" }

// Timeout is part of net.Error.
func (requestTimeout) Timeout() bool { return true }

// Temporary is part of net.Error.
func (requestTimeout) Temporary() bool { return true }

// callerEnded returns the cause of the end of ctx if the caller of this package ended it:
// nil before its end, and nil if only the time for a single request is over.
func callerEnded(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == errRequestTimeout { //nolint:errorlint // an error that wraps it is a caller's
		return nil
	}
	return cause
}

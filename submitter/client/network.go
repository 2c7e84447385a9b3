package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/atelier-go/atelier/submitter/escape"
)

// networkError returns an error for users in place of an error of net/http.
func (c *Client) networkError(ctx context.Context, err error) error {
	if err := callerEnded(ctx); err != nil {
		return err
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f // of checkRedirect
	}
	f := c.describeNetworkError(err)
	f.hint = c.hint(f)
	return f
}

func (c *Client) describeNetworkError(err error) *failure {
	var timeout net.Error
	var unknown *net.DNSError
	at := c.base.Redacted()
	switch {
	case Refused(err):
		return failuref(ErrUnavailable, err, "no API at %s", at)
	case errors.As(err, &unknown):
		return failuref(ErrUnavailable, err, "no API at %s: the name %q can't be found", at, unknown.Name)
	case errors.As(err, &timeout) && timeout.Timeout():
		return failuref(ErrUnavailable, err, "the API at %s does not respond", at)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return failuref(ErrUnavailable, ErrPlaintextServer, "the API at %s uses http and not https", at)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which the text has already
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return failuref(ErrUnavailable, err, "the API at %s closed the connection before its response was complete", at)
	}
	return failuref(ErrUnavailable, err, "the connection to the API at %s failed: %s", at, networkText(err))
}

// networkText returns the text of an error, escaped: it may contain bytes from a server that does
// not speak HTTP, or names from a certificate.
func networkText(err error) string {
	return escape.Shorten(escape.Text(err.Error()), escape.LongestText)
}

// Refused reports whether err means that the connection was refused, so that nothing was sent.
func Refused(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED)
}

package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/atelier-go/atelier/submitter/escape"
)

// A StatusError is an error for a response whose status is not a success. [errors.Is] says of which
// kind it is.
type StatusError struct {
	Status     int
	Code       string        // of the API's problem; "" if the response was not a problem document
	RetryAfter time.Duration // how long the API asks to wait before the request is repeated; 0 if it does not ask
	Location   string        // of a redirect that was not followed, else ""
	Text       string        // a sentence for users
}

func (e *StatusError) Error() string { return e.Text }

// Is reports whether the status belongs to a kind of errors, for [errors.Is].
func (e *StatusError) Is(kind error) bool {
	switch {
	case e.Status == http.StatusNotFound, e.Status == http.StatusGone:
		return kind == ErrNotFound
	case e.Status >= 500, e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout:
		return kind == ErrUnavailable
	case e.Status == http.StatusUnauthorized, e.Code == "forbidden":
		return kind == ErrUnauthorized
	case e.Status == http.StatusConflict:
		return kind == ErrConflict
	case e.Status >= 400:
		return kind == ErrRejected
	}
	return false
}

const (
	maxProblem = 64 << 10 // bytes that are read of a problem document
	maxFields  = 10       // fields of a problem whose errors are shown
)

// statusError returns the error for a response. Its text is that of the response's problem (RFC
// 9457) or, if something in front of the API has responded, the status.
func (c *Client) statusError(resp *http.Response) error {
	e := &StatusError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	var p struct {
		Detail string
		Code   string
		Errors []struct{ Field, Detail string }
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // what could be read is enough
	err := json.Unmarshal(body, &p)
	escape.Strings(&p)
	switch {
	case resp.StatusCode < 400 && resp.Header.Get("Location") != "":
		e.Location = resp.Header.Get("Location")
		e.Text = fmt.Sprintf("%s redirects to %.200q", c.base.Redacted(), e.Location)
	case err != nil || p.Detail == "":
		e.Text = fmt.Sprintf("%s responded %s", c.base.Redacted(), statusText(resp))
		if e.Is(ErrNotFound) {
			e.Text += "; is the address right?"
		}
	default:
		e.Text, e.Code = p.Detail, p.Code
	}
	for _, field := range p.Errors[:min(len(p.Errors), maxFields)] {
		if !strings.Contains(e.Text, field.Detail) {
			e.Text += fmt.Sprintf("; %s: %s", field.Field, field.Detail)
		}
	}
	e.Text = escape.Shorten(e.Text, escape.LongestText)
	e.Text += c.hint(e)
	return e
}

// statusText returns the status of a response with its standard phrase. It does not use the
// server's phrase.
func statusText(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

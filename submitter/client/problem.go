package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A refusal is an answer other than success.
type refusal struct {
	status     int
	retryAfter time.Duration
	code       string // of the API's problem; empty where something else has answered
	text       string
}

func (r *refusal) Error() string { return r.text }

// Is sorts statuses into the kinds that exits knows.
func (r *refusal) Is(kind error) bool {
	switch {
	case r.status == http.StatusNotFound, r.status == http.StatusGone:
		return kind == errNotFound
	case r.status >= 500, r.status == http.StatusTooManyRequests, r.status == http.StatusRequestTimeout:
		return kind == errAway
	case r.status == http.StatusUnauthorized, r.code == "forbidden":
		return kind == errDenied
	case r.status == http.StatusConflict:
		return kind == errState
	case r.status >= 400:
		return kind == errRefused
	}
	return false
}

// problem reads an RFC 9457 problem, and makes do with the status where the
// answer is none: then something before the API has answered.
func (c *client) problem(resp *http.Response) error {
	r := &refusal{status: resp.StatusCode, retryAfter: retryAfter(resp.Header)}
	var p struct {
		Detail string
		Code   string
		Errors []struct{ Field, Detail string }
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // in part is better than nothing
	err := json.Unmarshal(body, &p)
	sanitize(&p)
	switch {
	case resp.StatusCode < 400 && resp.Header.Get("Location") != "":
		r.text = fmt.Sprintf("%s sends elsewhere, to %.200q; if that is right, give --api the address there",
			c.base.Redacted(), resp.Header.Get("Location"))
		return r
	case err != nil || p.Detail == "":
		r.text = fmt.Sprintf("%s answered %s", c.base.Redacted(), statusText(resp))
		if r.Is(errNotFound) {
			r.text += "; is the address right?"
		}
	default:
		r.text, r.code = p.Detail, p.Code
	}
	for _, e := range p.Errors[:min(len(p.Errors), 10)] {
		if !strings.Contains(r.text, e.Detail) {
			r.text += fmt.Sprintf("; %s: %s", e.Field, e.Detail)
		}
	}
	r.text = shorten(r.text, longestText)
	if r.Is(errDenied) {
		r.text += c.hint(r.status)
	}
	return r
}

// networkError says what to do where there was no answer at all.
func (c *client) networkError(ctx context.Context, err error) error {
	if err := stopped(ctx); err != nil {
		return err
	}
	var timeout net.Error
	var unknown *net.DNSError
	at := c.base.Redacted()
	switch {
	case refused(err):
		return faultf(errAway, "no API at %s: is it running? scripts/demo starts one; --api names another%w", at, silent{err})
	case errors.As(err, &unknown):
		return faultf(errAway, "no API at %s: the name %q can't be found; --api names another%w", at, unknown.Name, silent{err})
	case errors.As(err, &timeout) && timeout.Timeout():
		return faultf(errAway, "the API at %s does not answer%w", at, silent{err})
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return faultf(errAway, "the API at %s speaks http and not https; give --api that address%w", at, silent{err})
	}
	if f := (*fault)(nil); errors.As(err, &f) {
		return f // of checkRedirect
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // without the address, which is named already
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf(errAway, "the API at %s closed the connection before its answer was complete%w", at, silent{err})
	}
	// It may quote what came instead of HTTP, or names in a certificate.
	return faultf(errAway, "the connection to the API at %s failed: %s%w", at, shorten(escape(err.Error()), longestText), silent{err})
}

// silent keeps a cause for errors.Is without a word about it.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// refused: nobody listens there, so that nothing was sent.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED)
}

// longestRetryAfter bounds what an API can ask for: it is asked again after an hour even
// if it wants a day.
const longestRetryAfter = time.Hour

// retryAfter reads the header in both its forms, up to longestRetryAfter; 0 where it is
// absent, in the past or nonsense.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(s, 0), int(longestRetryAfter/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(t), 0), longestRetryAfter)
	}
	return 0
}

// statusText is a status with the words that belong to it, not those that came with it.
func statusText(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

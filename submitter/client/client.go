// Package client calls Atelier's API over HTTP: it submits pictures, follows, changes and lists
// jobs, and downloads results.
//
// It does not trust the server. Everything that the server returns is limited in size, checked, and
// escaped so that it can be shown on a terminal. The API key is sent to the API's own origin only.
//
// A request that may be repeated is repeated while the API is busy or can't be reached, within
// limits: see [Retry]. If the context of a call ends, the call returns the context's cause.
package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Config configures a client. Only Address is required.
type Config struct {
	Address string // the API's base address: http or https, possibly with a path
	Key     string // the API key; "" for none

	// Hint returns a text to be added to that of an error, such as what a user can do about it; ""
	// adds nothing. It may be called concurrently. A nil Hint adds nothing.
	Hint func(error) string
	// OnRetry is called before a request that changes something is repeated, with the reason and
	// the time until then. It may be called concurrently, and may be nil.
	OnRetry func(err error, delay time.Duration)
	// Transport replaces the client's own HTTP transport in tests.
	Transport http.RoundTripper
}

// A Client calls one API. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL // ends in a slash, so that relative addresses resolve below it
	http   *http.Client

	noUploads atomic.Bool // the API has no separate uploads of large pictures
}

// How long the parts of a request may take.
const (
	dialTimeout   = 10 * time.Second
	headerTimeout = time.Minute      // from the end of the request to the response's header
	smallTimeout  = 30 * time.Second // for a whole request with a small body and response
)

// maxIdle is how many idle connections are kept open.
const maxIdle = 128

// ErrAddress means that an address given to [New] is not one of http or https.
var ErrAddress = errors.New("not the base address of an API")

// New returns a client. It sends no request.
func New(config Config) (*Client, error) {
	base, err := url.Parse(config.Address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, ErrAddress
	}
	if !strings.HasSuffix(base.Path, "/") {
		base = base.JoinPath("/")
	}
	c := &Client{config: config, base: base, http: &http.Client{Transport: config.Transport}}
	if config.Transport == nil {
		c.http.Transport = newTransport()
	}
	c.http.CheckRedirect = c.checkRedirect
	return c, nil
}

func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return newDelayedConn(conn), nil
		},
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // pictures don't shrink, and Content-Length must be the picture's length
	}
}

// Base returns the API's base address. It ends in a slash.
func (c *Client) Base() *url.URL {
	base := *c.base
	return &base
}

func (c *Client) hint(err error) string {
	if c.config.Hint == nil {
		return ""
	}
	return c.config.Hint(err)
}

// Package awshttp adapts the HTTP client of the AWS SDK, for pkg/queue, pkg/bucket and pkg/datasync.
package awshttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// A Client sends requests, like the SDK's HTTPClient and [http.Client].
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

// WithoutResends returns a client that sends requests with next, and prevents the SDK from sending a
// request twice that has already succeeded. That happens without it if the response arrives before
// the body was sent completely: one of 300 to 2,000 messages was then in the queue twice, with a
// service that responds within microseconds.
//
// The cause: net/http sends a body and then checks whether it is longer than declared. By then the SDK
// (smithy-go 1.28) has closed the body, because the response is there, and the WriteTo method of its
// closed body returns io.EOF. net/http treats that as a fault and closes the connection while the
// response is being read, so that the SDK repeats the request. A body without WriteTo returns io.EOF
// as readers normally do, so this client hides WriteTo.
//
// A body of up to 64 KiB is also read into memory. net/http then sends it in one write together with
// the header instead of in two, and can send it again if a kept-alive connection turns out to be
// closed before anything was written.
func WithoutResends(next Client) Client { return client{next} }

// small is the size in bytes up to which a body is read into memory: more than most messages and
// manifests have.
const small = 64 << 10

type client struct{ next Client }

// Do implements [Client].
func (c client) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.next.Do(r)
	}
	sent := *r // the SDK's own request must not be changed
	if r.ContentLength <= 0 || r.ContentLength > small {
		sent.Body = struct{ io.ReadCloser }{r.Body}
		return c.next.Do(&sent)
	}
	b := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, b)
	_ = r.Body.Close() // it has been read completely
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	sent.Body, _ = sent.GetBody()
	return c.next.Do(&sent)
}

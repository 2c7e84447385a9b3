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

// Whole returns a client that sends with next, and whose request bodies do no harm if the response
// arrives early.
//
// net/http sends a body and then checks whether it is longer than declared. The SDK (smithy-go 1.28)
// closes the body when the response has arrived, and its closed body returns io.EOF from that check
// (WriteTo), which net/http treats as a fault: it closes the connection while the response is being
// read. The SDK then repeats the request, after up to two seconds, although it had succeeded, so that
// one of 300 to 2,000 messages was in the queue twice if the service responds within microseconds. A
// body without WriteTo returns io.EOF as readers normally do.
//
// A small body is additionally read into memory. net/http then sends it in one write with the header
// instead of two, and can send it again if a kept-alive connection turns out to be closed before
// anything was written.
func Whole(next Client) Client { return client{next} }

// small is the size in bytes up to which a body counts as small: more than the usual message or
// manifest has.
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

// Package awshttp is how the AWS SDK's requests leave this program, for pkg/queue and
// pkg/bucket.
package awshttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// A Client sends requests; the SDK's HTTPClient and [http.Client] are such.
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

// Whole is next with bodies that are harmless when the answer comes early.
//
// net/http sends a body at once and then looks whether more of it comes than was
// said. The SDK (smithy-go 1.28) closes the body when the answer is there, and its
// closed body answers this look (WriteTo) with io.EOF, which net/http takes for a
// fault: it closes the connection while the answer is being read. The SDK sends the
// request again, after up to two seconds and although it was done, so that one of 300
// to 2,000 messages was in the queue twice, wherever the service answers within
// microseconds. A body that is only read says io.EOF as readers do.
//
// What is small is handed over as a reader of memory besides, which net/http sends
// in one write with the header instead of two, and again where a kept connection
// turns out to be closed before anything was written.
func Whole(next Client) Client { return client{next} }

// small is more than a message or a manifest usually has.
const small = 64 << 10

type client struct{ next Client }

// Do is [Client]'s.
func (c client) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.next.Do(r)
	}
	sent := *r // the SDK's own is not to be changed
	if r.ContentLength <= 0 || r.ContentLength > small {
		sent.Body = struct{ io.ReadCloser }{r.Body}
		return c.next.Do(&sent)
	}
	b := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, b)
	_ = r.Body.Close() // it was read
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	sent.Body, _ = sent.GetBody()
	return c.next.Do(&sent)
}

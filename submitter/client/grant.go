package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// A grant is the address to which the API lets a client send a picture.
type grant struct {
	UploadID string `json:"upload_id"`
	Method   string
	URL      string
	Headers  map[string]string
}

const (
	maxUploadID      = 100     // bytes
	maxUploadAddress = 8 << 10 // bytes
)

// requestUpload requests an address for a picture of this size in bytes. If the API has no separate
// uploads, it remembers that in noUploads.
func (c *Client) requestUpload(ctx context.Context, size int64) (*grant, error) {
	ctx, cancel := withSmallTimeout(ctx)
	defer cancel()
	resp, err := c.postJSON(ctx, "v1/uploads", map[string]int64{"bytes": size})
	if s, ok := errors.AsType[*StatusError](err); ok && (s.Status == http.StatusNotFound || s.Status == http.StatusMethodNotAllowed) {
		c.noUploads.Store(true) // it is not set up, or the API is too old
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return c.readGrant(resp)
}

// readGrant parses and checks a grant. Otherwise a hostile API could make this machine send any
// request. Only a PUT is allowed, with no headers but those of S3, and if the API has https, to an
// address with https only.
func (c *Client) readGrant(resp *http.Response) (*grant, error) {
	g := new(grant)
	if _, err := c.readRawJSON(resp, g); err != nil { // not escaped: it is used as it is, or not at all
		return nil, err
	}
	switch {
	case g.UploadID == "" || len(g.UploadID) > maxUploadID || strings.ContainsFunc(g.UploadID, func(r rune) bool { return !visible(r) }):
		return nil, c.malformed("the id of an upload is %.20q", g.UploadID)
	case g.Method != http.MethodPut:
		return nil, c.malformed("it wants a picture sent by %.20q", g.Method)
	}
	u, err := url.Parse(g.URL)
	if err != nil || u.Host == "" || u.User != nil || len(g.URL) > maxUploadAddress {
		return nil, c.malformed("it wants a picture sent to %.40q", g.URL)
	}
	if err := c.checkAddress(u); err != nil {
		return nil, err
	}
	for name, value := range g.Headers {
		lower := strings.ToLower(name)
		known := lower == "if-none-match" || lower == "content-type" || strings.HasPrefix(lower, "x-amz-")
		if !known || strings.ContainsFunc(name+value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, c.malformed("it wants a picture sent with the header %.40q", name)
		}
	}
	return g, nil
}

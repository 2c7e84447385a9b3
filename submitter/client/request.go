package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/atelier-go/atelier/submitter/escape"
)

const userAgent = "atelier-submitter"

// maxJSON is the largest JSON, in bytes, that is read. A page of 100 jobs has a tenth of this.
const maxJSON = 1 << 20

// withSmallTimeout returns a context that ends after the time that one small request may take.
func withSmallTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, smallTimeout, errRequestTimeout)
}

// get sends a GET, and returns the response as [Client.send] does.
func (c *Client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	return c.send(ctx, http.MethodGet, address, header, nil)
}

// send sends one request. address is relative to the API's base address, or absolute. The status of
// the response is a success, or 304 if the request was conditional; any other status is an error.
// The caller closes the body of the response.
func (c *Client) send(ctx context.Context, method, address string, header http.Header, body io.Reader) (*http.Response, error) {
	u, err := c.base.Parse(address)
	if err != nil {
		return nil, failuref(ErrUnavailable, nil, "the API returned an invalid address: %w", err)
	}
	if err := c.checkAddress(u); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	return c.do(req)
}

// do is like send, for a request that exists already.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", userAgent)
	if c.config.Key != "" && sameOrigin(req.URL, c.base) { // a response may refer to another origin
		req.Header.Set("Authorization", "Bearer "+c.config.Key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.networkError(req.Context(), err)
	}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300,
		resp.StatusCode == http.StatusNotModified && req.Header.Get("If-None-Match") != "":
		return resp, nil
	}
	defer resp.Body.Close()
	if at := resp.Request.URL; !sameOrigin(at, c.base) {
		return nil, failuref(ErrUnavailable, nil, "%s://%s, to which the API redirects for the picture, responded %s", at.Scheme, at.Host, statusText(resp))
	}
	return nil, c.statusError(resp)
}

// readJSON parses a response into v and escapes the strings of v. It returns the JSON unchanged.
func (c *Client) readJSON(resp *http.Response, v any) ([]byte, error) {
	raw, err := c.readRawJSON(resp, v)
	if err == nil {
		escape.Strings(v)
	}
	return raw, err
}

// readRawJSON is like readJSON, but does not escape.
func (c *Client) readRawJSON(resp *http.Response, v any) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxJSON+1))
	switch {
	case err != nil:
		return nil, c.networkError(resp.Request.Context(), err)
	case len(raw) > maxJSON:
		return nil, c.malformed("a response has more than %d bytes", maxJSON)
	case json.Unmarshal(raw, v) != nil:
		return nil, fmt.Errorf("%s responds, but not as Atelier's API does: is the address right?", c.base.Redacted())
	}
	return raw, nil
}

// postJSON sends a POST whose body is v as JSON, which must be small.
func (c *Client) postJSON(ctx context.Context, address string, v any) (*http.Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, http.MethodPost, address, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
}

// visible reports whether r is a visible ASCII character.
func visible(r rune) bool { return r > ' ' && r <= '~' }

package client

import (
	"net/http"
	"net/url"
)

// maxRedirects is the number of redirects that a GET follows at most.
const maxRedirects = 5

// checkRedirect allows redirects of GET only: a picture is sent to the given address and to
// no other. It also removes the key where net/http would not, such as for another port of the
// same machine.
func (c *Client) checkRedirect(r *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || len(via) >= maxRedirects {
		return http.ErrUseLastResponse
	}
	if err := c.checkAddress(r.URL); err != nil {
		return err
	}
	if !sameOrigin(r.URL, via[0].URL) {
		r.Header.Del("Authorization")
		r.Header.Del("Referer") // it contains the job's id
	}
	return nil
}

// checkAddress returns an error for an address in a response that must not be requested: one
// that is not of http or https, or that is unencrypted although the API's is encrypted.
func (c *Client) checkAddress(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || c.base.Scheme == "https") {
		return c.malformed("it refers from %s to an address with %.20q", c.base.Scheme, u.Scheme+"://")
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

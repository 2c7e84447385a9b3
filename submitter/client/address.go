package client

import (
	"net/http"
	"net/url"
)

// maxRedirects is how many redirects of a GET are followed.
const maxRedirects = 5

// checkRedirect allows redirects for GET only: a picture is sent to the address that was given, and
// to no other. It also removes the API key where net/http would not, for another port of the same
// machine, for example.
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

// checkAddress returns an error if no request must be sent to an address in a response: it is
// neither http nor https, or it is http although the API's own address is https.
func (c *Client) checkAddress(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || c.base.Scheme == "https") {
		return c.malformed("it refers from %s to an address with %.20q", c.base.Scheme, u.Scheme+"://")
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

package buckettest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// link stores an object and returns a link to it.
func (s fixture) link(t *testing.T, l bucket.Link) string {
	t.Helper()
	s.put(t, "p x/1.jpeg", "0123456789", bucket.Put{ContentType: "application/octet-stream"})
	address, err := s.Link(t.Context(), s.prefix+"p x/1.jpeg", l)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// request sends a request as a client that has only the link.
func request(t *testing.T, method, address string, header http.Header) (status int, head http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := oneRequest.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

var asPicture = bucket.Link{
	For: 5 * time.Minute, ContentType: "image/jpeg", Disposition: `inline; filename="atelier-1.jpeg"`, CacheControl: "private, max-age=60, immutable",
}

func link(t *testing.T, s fixture) {
	address := s.link(t, asPicture)
	status, head, body := request(t, http.MethodGet, address, nil)
	if status != http.StatusOK || body != "0123456789" {
		t.Errorf("got %d, %q", status, body)
	}
	for name, want := range map[string]string{
		"Content-Type": asPicture.ContentType, "Content-Disposition": asPicture.Disposition, "Cache-Control": asPicture.CacheControl,
	} {
		if got := head.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	origin, err := s.Origin(t.Context())
	if err != nil || !strings.HasPrefix(address, origin+"/") {
		t.Errorf("origin %s, %v; of the link %s", origin, err, address)
	}
	if status, _, _ := request(t, http.MethodHead, address, nil); status != http.StatusForbidden {
		t.Errorf("HEAD with a link for GET: %d", status)
	}
}

func linkRange(t *testing.T, s fixture) {
	status, head, body := request(t, http.MethodGet, s.link(t, asPicture), http.Header{"Range": {"bytes=2-4"}})
	if status != http.StatusPartialContent || body != "234" || head.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("got %d, %q, %v", status, body, head)
	}
}

func forgedLink(t *testing.T, s fixture) {
	address := s.link(t, asPicture)
	s.put(t, "p x/2.jpeg", "other", bucket.Put{})
	for what, forged := range map[string]string{
		"another object": strings.Replace(address, "1.jpeg", "2.jpeg", 1),
		"a longer time":  changed(t, address, "X-Amz-Expires", "86400"),
		"another type":   changed(t, address, "response-content-type", "text/html"),
		"no signature":   changed(t, address, "X-Amz-Signature", strings.Repeat("0", 64)),
	} {
		if status, _, body := request(t, http.MethodGet, forged, nil); status != http.StatusForbidden || strings.Contains(body, "0123456789") {
			t.Errorf("%s: %d, %.200q", what, status, body)
		}
	}
}

// changed returns the link with another value for the query parameter name.
func changed(t *testing.T, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !q.Has(name) {
		t.Fatalf("the link has no %s: %s", name, address)
	}
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func expiredLink(t *testing.T, s fixture) {
	address := s.link(t, bucket.Link{For: time.Second})
	deadline := time.Now().Add(30 * time.Second)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		if status, _, _ := request(t, http.MethodGet, address, nil); status == http.StatusForbidden {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it is still valid")
		}
		<-again.C
	}
}

func unsigned(t *testing.T, s fixture) {
	address, _, _ := strings.Cut(s.link(t, asPicture), "?")
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		if status, _, _ := request(t, method, address, nil); status != http.StatusForbidden {
			t.Errorf("%s: %d", method, status)
		}
	}
	if got, _ := s.content(t, "p x/1.jpeg"); got != "0123456789" {
		t.Errorf("it is now %q", got)
	}
}

package buckettest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// putLink signs a request to store five bytes.
func (s fixture) putLink(t *testing.T, name string, valid time.Duration) bucket.PutLink {
	t.Helper()
	link, err := s.PutLink(t.Context(), s.prefix+name, 5, valid)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// oneRequest is a client that sends each request on a new connection. MiniStack closes a connection
// after it has refused a body, so the next request on it could fail.
var oneRequest = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// send sends a request as a client that has only the link. A body that is not a [bytes.Reader] is
// sent without a length.
func send(t *testing.T, method, address string, header http.Header, body io.Reader) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	resp, err := oneRequest.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func putLink(t *testing.T, s fixture) {
	link := s.putLink(t, "u/ü 1", time.Minute)
	if len(link.Header) != 1 || link.Header.Get("If-None-Match") != "*" {
		t.Errorf("headers to send: %v", link.Header)
	}
	if !strings.Contains(link.URL, "X-Amz-SignedHeaders=content-length%3Bhost%3Bif-none-match&") || strings.Contains(strings.ToLower(link.URL), "checksum") {
		t.Errorf("the link is %s", link.URL)
	}
	if status := send(t, http.MethodPut, link.URL, link.Header, bytes.NewReader([]byte("12345"))); status != http.StatusOK {
		t.Fatalf("the first: %d", status)
	}
	if status := send(t, http.MethodPut, link.URL, link.Header, bytes.NewReader([]byte("67890"))); status != http.StatusPreconditionFailed {
		t.Errorf("the second: %d, want 412", status)
	}
	if got, o := s.content(t, "u/ü 1"); got != "12345" || o.Size != 5 {
		t.Errorf("got %q, %+v", got, o)
	}
	if status, _, body := request(t, http.MethodGet, link.URL, link.Header); status != http.StatusForbidden || strings.Contains(body, "12345") {
		t.Errorf("GET with it: %d %.100q", status, body)
	}
}

func misusedPutLink(t *testing.T, s fixture) {
	link := s.putLink(t, "x", time.Minute)
	five := func() io.Reader { return bytes.NewReader([]byte("12345")) }
	with := func(name, value string) http.Header {
		h := link.Header.Clone()
		h.Set(name, value)
		return h
	}
	for _, c := range []struct {
		what, method, url string
		header            http.Header
		body              io.Reader
	}{
		{"a larger body", http.MethodPut, link.URL, link.Header, bytes.NewReader([]byte("123456"))},
		{"a smaller body", http.MethodPut, link.URL, link.Header, bytes.NewReader([]byte("1234"))},
		{"an empty body", http.MethodPut, link.URL, link.Header, bytes.NewReader(nil)},
		{"a body of unknown length", http.MethodPut, link.URL, link.Header, struct{ io.Reader }{five()}},
		{"without the condition", http.MethodPut, link.URL, http.Header{}, five()},
		{"another condition", http.MethodPut, link.URL, with("If-None-Match", `"x"`), five()},
		{"a copy of another object", http.MethodPut, link.URL, with("X-Amz-Copy-Source", s.Name()+"/"+s.prefix+"y"), five()},
		{"another object", http.MethodPut, strings.Replace(link.URL, "/x?", "/y?", 1), link.Header, five()},
		{"a longer time", http.MethodPut, changed(t, link.URL, "X-Amz-Expires", "86400"), link.Header, five()},
		{"fewer signed headers", http.MethodPut, changed(t, link.URL, "X-Amz-SignedHeaders", "host"), link.Header, five()},
		{"POST", http.MethodPost, link.URL, link.Header, five()},
		{"DELETE", http.MethodDelete, link.URL, link.Header, nil},
	} {
		if status := send(t, c.method, c.url, c.header, c.body); status/100 != 4 && status != http.StatusNotImplemented {
			t.Errorf("%s: %d", c.what, status)
		}
	}
	if listed := s.list(t); len(listed) > 0 {
		t.Errorf("objects were stored: %+v", listed)
	}
}

func expiredPutLink(t *testing.T, s fixture) {
	deadline := time.Now().Add(30 * time.Second)
	link := s.putLink(t, "x", time.Second)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for { // the responses are 412 after the first use
		if status := send(t, http.MethodPut, link.URL, link.Header, bytes.NewReader([]byte("12345"))); status == http.StatusForbidden {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it can still be used")
		}
		<-again.C
	}
}

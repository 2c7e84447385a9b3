package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/submitter/escape"
)

// An error of a server to which the API redirects is temporary, whatever its status.
func TestLinkThatFails(t *testing.T) {
	for _, status := range []int{403, 404, 503} {
		s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer s3.Close()
		api := httptest.NewServer(http.RedirectHandler(s3.URL+"/bucket/key?X-Amz-Signature=secret", http.StatusSeeOther))
		defer api.Close()
		c, err := New(Config{Address: api.URL, Key: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.get(t.Context(), "v1/jobs/x/result", nil)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), s3.URL) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: got %v", status, err)
		}
	}
}

// The key is sent to the API only, whatever addresses its responses have.
func TestKeyGoesToTheAPIAlone(t *testing.T) {
	seen := make(chan string, 10)
	note := func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }
	elsewhere := httptest.NewServer(http.HandlerFunc(note)) // the same machine's other port
	defer elsewhere.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusSeeOther)
		case "/around":
			http.Redirect(w, r, "/", http.StatusSeeOther)
		default:
			note(w, r)
		}
	}))
	defer api.Close()
	c, err := New(Config{Address: api.URL, Key: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"": "Bearer secret", "around": "Bearer secret", "away": "", elsewhere.URL: "",
	} {
		resp, err := c.get(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := <-seen; got != want {
			t.Errorf("%q: the key was sent as %q, want %q", address, got, want)
		}
	}
}

// An API of https can refer to no address of http, neither in a job nor by a redirect.
func TestLinksStayEncrypted(t *testing.T) {
	asked := false
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer plain.Close()
	api := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusSeeOther))
	defer api.Close()
	c, err := New(Config{Address: api.URL, Key: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = api.Client().Transport
	for _, address := range []string{"v1/jobs/x/result", plain.URL} {
		if _, err := c.get(t.Context(), address, nil); !errors.Is(err, ErrMalformed) || asked {
			t.Errorf("%s: got %v, asked %v", address, err, asked)
		}
	}
}

// What a network error quotes is escaped and shortened.
func TestNetworkErrors(t *testing.T) {
	c, err := New(Config{Address: "https://x"})
	if err != nil {
		t.Fatal(err)
	}
	got := c.networkError(t.Context(), errors.New("x509: certificate is valid for a\n\u009b31m"+strings.Repeat("b", 10_000)))
	if text := got.Error(); escape.Text(text) != text || len(text) > 2*escape.LongestText || !errors.Is(got, ErrUnavailable) {
		t.Errorf("got %q", text)
	}
}

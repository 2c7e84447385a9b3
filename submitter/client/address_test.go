package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/submitter/escape"
)

// What a link of the API's leads to is not the API: that it fails says nothing of
// the job, or the key, and may pass.
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

// The key goes to the API and to nobody else, whatever the API's answers name.
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

// From https nothing leads to http, whether a job's result names it or a redirect.
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

// What an error of the network quotes is shown in one line.
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

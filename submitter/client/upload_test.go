package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/submitter/picture"
)

// An API of https can't have a picture sent by http.
func TestUploadKeepsEncryption(t *testing.T) {
	for base, tt := range map[string]struct {
		address string
		ok      bool
	}{
		"https://api.example":  {"http://127.0.0.1/x", false},
		"https://api.example/": {"https://bucket.example/x", true},
		"http://127.0.0.1":     {"http://127.0.0.1:9/x", true},
	} {
		c, err := New(Config{Address: base})
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"upload_id":"x","method":"PUT","url":%q}`, tt.address)
		_, err = c.readGrant(&http.Response{Body: io.NopCloser(strings.NewReader(body)), Request: &http.Request{URL: &url.URL{}}})
		if (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", base, tt.address, err)
		}
	}
}

// The end of a context ends an upload, with the context's cause.
func TestUploadIsInterrupted(t *testing.T) {
	begun, over := make(chan bool), make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/uploads" {
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, `{"upload_id":"x","method":"PUT","url":"http://%s/put"}`, r.Host)
			return
		}
		_, _ = io.CopyN(io.Discard, r.Body, 1)
		close(begun)
		<-over // the rest is not read
	}))
	defer server.Close()
	defer close(over)
	c, err := New(Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.Spool(t.Context(), "a reader", strings.NewReader(strings.Repeat(" ", 15<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s, err := c.NewSubmission(&Options{}, p, nil, "key")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { _, _, err := s.Send(ctx, nil); ended <- err }()
	<-begun
	interrupted := errors.New("Ctrl-C")
	cancel(interrupted)
	if err := <-ended; !errors.Is(err, interrupted) {
		t.Errorf("got %v, want the cause", err)
	}
}

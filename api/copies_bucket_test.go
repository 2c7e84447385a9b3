package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A testBucket is a bucket for the copies behind a proxy that counts requests and can return
// errors.
type testBucket struct {
	*testing.T
	copies   *gallery.Gallery
	cfg      aws.Config
	heads    atomic.Int64
	puts     atomic.Int64
	override atomic.Pointer[http.HandlerFunc] // handles requests instead of S3
	forward  http.HandlerFunc                 // handles requests with S3
}

func newTestBucket(t *testing.T) *testBucket {
	t.Helper()
	locked := ministacktest.StartLocked(t)
	a := &testBucket{T: t}
	proxy := ministacktest.Proxy(t, locked.Endpoint)
	a.forward = proxy.ServeHTTP
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodHead:
			a.heads.Add(1)
		case http.MethodPut:
			a.puts.Add(1)
		}
		if odd := a.override.Load(); odd != nil {
			(*odd)(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	locked.Endpoint = server.URL
	cfg, err := locked.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := bucket.Create(t.Context(), cfg, "atelier")
	if err != nil {
		t.Fatal(err)
	}
	a.copies, a.cfg = gallery.New(b), cfg
	a.puts.Store(0)
	return a
}

// setUnavailable makes S3 refuse all requests, or stops that. (The SDK would retry after errors of
// an overloaded S3.)
func (a *testBucket) setUnavailable(on bool) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if on {
		a.override.Store(&refuse)
	} else {
		a.override.Store(nil)
	}
}

func (a *testBucket) copy(name string, content []byte) {
	a.Helper()
	if err := a.copies.Put(a.Context(), name, bytes.NewReader(content)); err != nil {
		a.Fatal(err)
	}
}

func (a *testBucket) holds(name string) bool {
	a.Helper()
	there, err := a.copies.Has(a.Context(), name)
	if err != nil {
		a.Fatal(err)
	}
	return there
}

// open follows a link without the request's headers.
func (s *service) open(resp *http.Response, header ...string) (*http.Response, []byte) {
	s.Helper()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Cache-Control") != "no-store" {
		s.Fatalf("no link: %s, %v", resp.Status, resp.Header)
	}
	return (&service{T: s.T}).get(resp.Header.Get("Location"), header...)
}

// untilRedirected waits until the response is a link, which it then is for a minute. On a busy
// machine S3 may take longer than lookupTimeout.
func (s *service) untilRedirected(path string, header ...string) {
	s.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(browsertest.Timeout); ; <-again.C {
		resp, _ := s.get(path, header...)
		if resp.StatusCode == http.StatusSeeOther {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("%s is not answered by a link: %s", path, resp.Status)
		}
	}
}

func first(resp *http.Response, _ []byte) *http.Response { return resp }

// erasing is a bucket that calls a function before each write.
type erasing struct {
	*gallery.Gallery
	before func()
}

func (e erasing) Put(ctx context.Context, name string, picture io.ReadSeeker) error {
	e.before()
	return e.Gallery.Put(ctx, name, picture)
}

// keeping is a bucket that stores nothing and keeps the reader, as a transport may do after its
// request was aborted.
type keeping struct {
	*gallery.Gallery
	kept *io.ReadSeeker
}

func (k keeping) Put(_ context.Context, _ string, picture io.ReadSeeker) error {
	*k.kept = picture
	return bucket.ErrUnavailable
}

// hasty is a response that calls a function before each write except the first.
type hasty struct {
	*httptest.ResponseRecorder
	between func()
}

func (h hasty) Write(b []byte) (int, error) {
	if h.Body.Len() > 0 {
		h.between()
	}
	return h.ResponseRecorder.Write(b)
}

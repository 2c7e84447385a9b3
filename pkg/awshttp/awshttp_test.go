package awshttp_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/atelier-go/atelier/pkg/awshttp"
)

// captured is a client that keeps the body instead of sending it.
type captured struct{ body io.ReadCloser }

func (k *captured) Do(r *http.Request) (*http.Response, error) {
	k.body = r.Body
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// built returns a request as the SDK builds it.
func built(t *testing.T, url string, body io.Reader, length int64) *http.Request {
	t.Helper()
	r, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = length
	req := r.Build(t.Context())
	req.Method = http.MethodPost
	to, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL = to.URL
	return req
}

func TestBodyClosedEarly(t *testing.T) {
	for name, length := range map[string]int{"small": 1000, "large": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat("x", length)
			req := built(t, "http://127.0.0.1/", strings.NewReader(text), int64(length))
			var k captured
			if _, err := awshttp.WithoutResends(&k).Do(req); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.LimitReader(k.body, int64(length)))
			if err != nil || string(got) != text {
				t.Fatalf("got %d bytes, %v, want the %d of the request", len(got), err, length)
			}
			// First what the SDK does when the response has arrived, then what net/http does.
			if err := req.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, k.body); n != 0 || err != nil {
				t.Errorf("got %d more bytes and %v, want none: net/http would close the connection", n, err)
			}
		})
	}
}

func TestBodies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	for name, test := range map[string]struct {
		body   io.Reader
		length int64
		want   int
	}{
		"none":           {nil, 0, 0},
		"small":          {bytes.NewReader(make([]byte, 100)), 100, 100},
		"large":          {bytes.NewReader(make([]byte, 1<<20)), 1 << 20, 1 << 20},
		"unknown length": {bytes.NewReader(make([]byte, 100)), -1, 100},
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := awshttp.WithoutResends(server.Client()).Do(built(t, server.URL, test.body, test.length))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || len(b) != test.want {
				t.Errorf("got %d bytes, %v, want %d", len(b), err, test.want)
			}
		})
	}
	t.Run("a body that can't be read", func(t *testing.T) {
		broken := errors.New("broken")
		_, err := awshttp.WithoutResends(server.Client()).Do(built(t, server.URL, iotest.ErrReader(broken), 100))
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want the reader's error", err)
		}
	})
	t.Run("a body that is shorter than declared", func(t *testing.T) {
		_, err := awshttp.WithoutResends(server.Client()).Do(built(t, server.URL, strings.NewReader("x"), 100))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
		}
	})
}

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
)

// request is an event as API Gateway sends it.
func request(method, path string, headers map[string]string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: path, Headers: map[string]string{"host": "127.0.0.1:8080"}}
	e.RequestContext.DomainName = "0a1b2c3d.execute-api.us-east-1.amazonaws.com"
	e.RequestContext.HTTP.Method = method
	e.RequestContext.HTTP.SourceIP = "127.0.0.1"
	maps.Copy(e.Headers, headers)
	return e
}

func TestRequestsAreRestored(t *testing.T) {
	var got *http.Request
	var body []byte
	g := newTestGateway(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		fmt.Fprint(w, "{}")
	}))
	e := request("POST", "/a b/50%25/c?d", map[string]string{
		"host": "evil.example:8080", "if-none-match": `"a", "b"`, "range": "bytes=0-1,5-6", "content-type": "multipart/form-data; boundary=x,y",
	})
	e.RawQueryString = "limit=3&cursor=a%2Bb"
	e.Cookies = []string{"a=1", "b=2"}
	binary := []byte{0xff, 0xd8, 0, 1}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(binary), true
	if _, err := g.handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string][2]string{
		"Host":          {got.Host, "evil.example:8080"},
		"path":          {got.URL.Path, "/a b/50%/c?d"},
		"query":         {got.URL.Query().Get("cursor"), "a+b"},
		"If-None-Match": {got.Header.Get("If-None-Match"), `"a", "b"`},
		"Range":         {got.Header.Get("Range"), "bytes=0-1,5-6"},
		"Content-Type":  {got.Header.Get("Content-Type"), "multipart/form-data; boundary=x,y"},
		"cookies":       {strings.Join(got.Header.Values("Cookie"), "; "), "a=1; b=2"},
		"peer":          {got.RemoteAddr, "127.0.0.1:0"},
		"body":          {string(body), string(binary)},
	} {
		if v[0] != v[1] {
			t.Errorf("%s: got %q, want %q", what, v[0], v[1])
		}
	}
}

func TestResponses(t *testing.T) {
	g := newTestGateway(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(strings.TrimPrefix(r.URL.Path, "/"), &n)
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(bytes.Repeat([]byte{0xff}, n))
	}))
	answer := func(t *testing.T, method, path string) events.APIGatewayV2HTTPResponse {
		t.Helper()
		r, err := g.handle(t.Context(), request(method, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	t.Run("a picture goes out as it is", func(t *testing.T) {
		r := answer(t, "GET", "/4500000")
		b, err := base64.StdEncoding.DecodeString(r.Body)
		if err != nil || r.StatusCode != 200 || !r.IsBase64Encoded || len(b) != 4500000 {
			t.Errorf("%d, %d bytes, %v", r.StatusCode, len(b), err)
		}
	})
	t.Run("one that does not fit is a problem", func(t *testing.T) {
		r := answer(t, "GET", "/4800000")
		var p struct{ Code string }
		if err := json.Unmarshal([]byte(r.Body), &p); err != nil || r.StatusCode != 413 || p.Code != "answer_too_large" || r.Headers["Content-Type"] != "application/problem+json" {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("HEAD has no body", func(t *testing.T) {
		if r := answer(t, "HEAD", "/100"); r.Body != "" || r.StatusCode != 200 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("what is no request is a problem", func(t *testing.T) {
		e := request("GE T", "/", nil)
		if r, err := g.handle(t.Context(), e); err != nil || r.StatusCode != 400 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func newTestGateway(h http.Handler) *gateway {
	return newGateway(h, slog.New(slog.DiscardHandler), cloudwatch.New(io.Discard, "api", "test"))
}

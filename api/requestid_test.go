package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
)

// A request's id is in its response, in the log, and in the message to the workers.
func TestRequestID(t *testing.T) {
	var said logBuffer
	s := serve(t, func(c *api.Config) { c.Log = slog.New(slog.NewJSONHandler(&said, nil)) })
	send := func(id string) (*http.Response, job.Message) {
		t.Helper()
		contentType, body := form(t, s.goodBut()...)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/jobs", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Content-Type"], req.Header["X-Request-Id"] = []string{contentType}, []string{id}
		resp, answer := s.do(req)
		if resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%s: %s", resp.Status, answer)
		}
		return resp, s.queue.last()
	}
	resp, m := send("JKJaXmPLvHcESHA=")
	if got := resp.Header.Get("X-Request-Id"); got != "JKJaXmPLvHcESHA=" || m.Request != got {
		t.Errorf("answered %q, sent %q", got, m.Request)
	}
	if !strings.Contains(said.String(), `"msg":"submitted","request":"JKJaXmPLvHcESHA="`) {
		t.Errorf("it was logged: %s", said.String())
	}
	seen := map[string]bool{}
	for _, id := range []string{"", "a b", strings.Repeat("x", 65), `"}{`, "ü", "a\tb"} {
		resp, m := send(id)
		got := resp.Header.Get("X-Request-Id")
		if len(got) < 20 || got == id || m.Request != got || seen[got] {
			t.Errorf("for %q: answered %q, sent %q", id, got, m.Request)
		}
		seen[got] = true
	}
	for _, path := range []string{"/", "/v1/jobs", "/nowhere", "/healthz"} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no id", path)
		}
	}
}

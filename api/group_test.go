package api_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// Each message of a run has its owner's group, also when another caller requests it.
func TestMessageGroups(t *testing.T) {
	g := serveWithKeys(t)
	send := func(key, path, contentType string, body []byte, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+g.keys[key])
		req.Header.Set("Content-Type", contentType)
		if resp, answer := g.do(req); resp.StatusCode != want {
			t.Fatalf("%s: %s: %s", path, resp.Status, answer)
		}
		if m := g.queue.last(); m.Group != job.Group("anna") || m.Request == "" {
			t.Errorf("%s: sent %+v", path, m)
		}
	}
	contentType, body := form(t, g.goodBut()...)
	send("right", "/v1/jobs", contentType, body, http.StatusAccepted)
	id := g.queue.last().Job
	if _, err := g.store.Cancel(id); err != nil {
		t.Fatal(err)
	}
	send("right", "/v1/jobs/"+string(id)+"/retry", "", nil, http.StatusAccepted)
	if _, err := g.store.Cancel(id); err != nil {
		t.Fatal(err)
	}
	send("admin", "/v1/admin/redrive", "application/json", []byte(`{"ids":["`+string(id)+`"]}`), http.StatusOK)
	if n := len(g.queue.messages()); n != 3 {
		t.Errorf("%d messages were sent", n)
	}
}

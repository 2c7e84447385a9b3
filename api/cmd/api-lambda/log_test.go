package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/cloudwatch/cloudwatchtest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/lambdatest"
)

// The log line of a request is JSON with the request's id and the metrics; the id is also in the
// message to the workers.
func TestLogAndMetrics(t *testing.T) {
	h, err := keyring.NewHolder("anna", []string{"submit", "read"})
	if err != nil {
		t.Fatal(err)
	}
	key, line := keyring.New(h)
	var mu sync.Mutex
	type message struct {
		MessageGroupId    string
		MessageAttributes map[string]struct{ StringValue string }
	}
	var sent []message
	aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		sent = append(sent, m)
		_, _ = io.WriteString(w, `{"MessageId":"1"}`)
	})
	f := start(t, aws, "ATELIER_KEYS=env:KEYS", "KEYS="+line, "ATELIER_QUEUE=http://queue/1/atelier", "ATELIER_DEPLOYMENT=prod")
	base := lambdatest.Gateway(t, f, "prod")
	if resp := submit(t, base, "Authorization", "Bearer "+key); resp.StatusCode != http.StatusAccepted || resp.Header.Get("X-Request-Id") != lambdatest.RequestID {
		t.Errorf("submit: %s, X-Request-Id %q", resp.Status, resp.Header.Get("X-Request-Id"))
	}
	for path, want := range map[string]int{"v1/styles": 200, "v1/jobs": 401, "nowhere": 404} {
		if status, body := get(t, base+path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}

	mu.Lock()
	defer mu.Unlock()
	if len(sent) != 1 || sent[0].MessageGroupId != job.Group("anna") || sent[0].MessageAttributes["request_id"].StringValue != lambdatest.RequestID {
		t.Errorf("sent: %+v", sent)
	}
	if strings.Contains(f.Log(), key) {
		t.Errorf("the key is in the log:\n%s", f.Log())
	}
	var submitted map[string]any
	for line := range strings.Lines(f.Log()) {
		var said map[string]any
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		if said["msg"] == "submitted" {
			submitted = said
		}
	}
	if submitted["request"] != lambdatest.RequestID || submitted["job"] == nil {
		t.Errorf("of the submission it was logged: %v", submitted)
	}
	lines := cloudwatchtest.Lines(t, f.Log())
	for name, want := range map[string]float64{"Requests": 4, "Submissions": 1, "ClientErrors": 2, "ServerErrors": 0} {
		if got, _ := cloudwatchtest.Total(lines, name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	var routes []string
	for _, l := range lines {
		routes = append(routes, l.Properties["route"].(string))
		if l.Properties["Service"] != "api" || l.Properties["Deployment"] != "prod" || l.Properties["request"] != lambdatest.RequestID || l.Metrics["Latency"] <= 0 {
			t.Errorf("got %+v", l)
		}
	}
	slices.Sort(routes)
	if want := []string{"GET /v1/jobs", "GET /v1/styles", "POST /v1/jobs", "none"}; !slices.Equal(routes, want) {
		t.Errorf("the routes are %q, want %q", routes, want)
	}
}

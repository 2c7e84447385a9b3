package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// A keyedService is a service with API keys: of the owners anna and berta to submit and read, of
// anna with one of these scopes, and of an admin.
type keyedService struct {
	*service
	keyless *service          // beside it, on the same store
	keys    map[string]string // by the names in callers
	ring    *keyring.Ring
	log     *logBuffer
}

// A logBuffer is a log that tests read.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func serveWithKeys(t *testing.T, settings ...func(*api.Config)) *keyedService {
	t.Helper()
	g := &keyedService{keys: map[string]string{"none": "", "wrong": "atelier_ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, log: &logBuffer{}}
	var lines []string
	for name, holder := range map[string]keyring.Holder{
		"right":  {Owner: "anna", Scopes: []keyring.Scope{keyring.Submit, keyring.Read}},
		"submit": {Owner: "anna", Scopes: []keyring.Scope{keyring.Submit}},
		"read":   {Owner: "anna", Scopes: []keyring.Scope{keyring.Read}},
		"other":  {Owner: "berta", Scopes: []keyring.Scope{keyring.Submit, keyring.Read}},
		"admin":  {Owner: "ops", Scopes: []keyring.Scope{keyring.Admin}},
	} {
		key, line := keyring.New(holder)
		g.keys[name], lines = key, append(lines, line)
	}
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(g.log, nil))
	ring, err := keyring.Open(path, log)
	if err != nil {
		t.Fatal(err)
	}
	g.service = serve(t, append(settings, func(c *api.Config) { c.Keys, c.Log = ring, log })...)
	g.ring = ring
	g.keyless = g.beside(settings...)
	t.Cleanup(func() {
		for name, key := range g.keys {
			if key != "" && strings.Contains(g.log.String(), key) {
				t.Errorf("the key %s was logged", name)
			}
		}
	})
	return g
}

// request sends a request as one of the callers. keyless is a request to a server without keys.
func (g *keyedService) request(as, method, path, contentType string, body []byte, header ...string) (*http.Response, []byte) {
	g.Helper()
	base := g.url
	if as == "keyless" {
		base = g.keyless.url
	}
	req, err := http.NewRequestWithContext(g.Context(), method, base+path, bytes.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if key := g.keys[as]; key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	return g.do(req)
}

func (g *keyedService) submitAs(as string, more ...field) job.Job {
	g.Helper()
	contentType, body := form(g.T, append(more, field{"image", "p.jpg", jpegPicture(g.T)}, field{name: "style", value: style.Names()[0]})...)
	resp, answer := g.request(as, "POST", "/v1/jobs", contentType, body)
	var j job.Job
	if err := json.Unmarshal(answer, &j); err != nil || resp.StatusCode != http.StatusAccepted {
		g.Fatalf("%s %s", resp.Status, answer)
	}
	return j
}

// annas makes a job of anna in a state.
func (g *keyedService) annas(state job.State, more ...field) job.ID {
	g.Helper()
	id := g.submitAs("right", more...).ID
	var err error
	switch state {
	case job.Succeeded:
		err = g.begun(id).Succeed(jpegPicture(g.T), nil, job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}, job.Receipt{})
	case job.Failed:
		err = g.begun(id).Fail(job.Failure{Code: job.CodeGaveUp, Message: "given up"})
	case "gone":
		err = g.store.Erase(id, store.Erased)
	}
	if err != nil {
		g.Fatal(err)
	}
	return id
}

// callers are the columns of the tables of permissions.
var callers = []string{"none", "wrong", "other", "submit", "read", "right", "admin", "keyless"}

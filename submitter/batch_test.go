package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/batch"
	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/terminal"
)

// A crowdedAPI paints without delay, and counts the concurrent requests of each kind.
type crowdedAPI struct {
	together int           // the first submissions wait until there are this many
	full     chan struct{} // closed then

	mu       sync.Mutex
	current  map[string]int
	highest  map[string]int
	accepted map[string]job.ID // by Idempotency-Key
}

func (c *crowdedAPI) begin(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current[kind]++
	c.highest[kind] = max(c.highest[kind], c.current[kind])
	if c.current[kind] == c.together && c.full != nil {
		close(c.full)
		c.full = nil
	}
}

func (c *crowdedAPI) end(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current[kind]--
}

func (c *crowdedAPI) accept(key string) (job.ID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, ok := c.accepted[key]; ok {
		return id, nil
	}
	id, err := job.NewID()
	c.accepted[key] = id
	return id, err
}

func (c *crowdedAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const painted = "\xff\xd8\xff\xe0 a picture"
	kind := requestKind(r)
	c.mu.Lock()
	full := c.full
	c.mu.Unlock()
	c.begin(kind)
	defer c.end(kind)
	sum := sha256.Sum256([]byte(painted))
	switch kind {
	case "submit":
		if full != nil {
			select {
			case <-full:
			case <-time.After(scriptTimeout):
				http.Error(w, "alone", http.StatusTeapot)
				return
			}
		}
		_, _ = io.Copy(io.Discard, r.Body)
		id, err := c.accept(r.Header.Get("Idempotency-Key"))
		if err != nil {
			panic(err)
		}
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(job.Job{ID: id, State: job.Queued})
	case "result":
		_, _ = io.WriteString(w, painted)
	default:
		id := filepath.Base(r.URL.Path)
		_ = json.NewEncoder(w).Encode(job.Job{ID: job.ID(id), State: job.Succeeded, Format: "jpeg", Result: &job.Result{
			URL: "v1/jobs/" + id + "/result", Bytes: int64(len(painted)), SHA256: hex.EncodeToString(sum[:]),
		}})
	}
}

// Exactly --parallel pictures are sent at a time, however many there are, and each is one job.
func TestParallel(t *testing.T) {
	const parallel, pictures = 3, 200
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range pictures {
		if err := os.WriteFile(filepath.Join(dir, "in", strconv.Itoa(i)), []byte("\xff\xd8\xff\xe0 "+strconv.Itoa(i)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	api := &crowdedAPI{
		together: parallel, full: make(chan struct{}), current: map[string]int{}, highest: map[string]int{}, accepted: map[string]job.ID{},
	}
	server := httptest.NewServer(api)
	defer server.Close()
	getenv := func(name string) string { return map[string]string{"HOME": dir, "ATELIER_API": server.URL}[name] }
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{
		"submit", filepath.Join(dir, "in"), "-s", "mosaic", "-o", filepath.Join(dir, "out"), "--parallel", strconv.Itoa(parallel),
	}, getenv, strings.NewReader(""), &stdout, &stderr)
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("got %v, and on standard error %q", err, stderr.String())
	}
	if n := strings.Count(stdout.String(), "\n"); n != pictures || len(api.accepted) != pictures {
		t.Errorf("got %d lines and %d jobs, want %d", n, len(api.accepted), pictures)
	}
	if results, err := os.ReadDir(filepath.Join(dir, "out")); err != nil || len(results) != pictures {
		t.Errorf("got %d results, %v", len(results), err)
	}
	if api.highest["submit"] != parallel || api.highest["job"] > parallel || api.highest["result"] > parallel {
		t.Errorf("at a time: %v, want %d", api.highest, parallel)
	}
}

// A cancelingWriter interrupts the program when it is written to.
type cancelingWriter struct{ cancel context.CancelFunc }

func (w cancelingWriter) Write(p []byte) (int, error) {
	w.cancel()
	return len(p), nil
}

// An interruption after the last picture is done is not an error.
func TestInterruptedWhenAllIsDone(t *testing.T) {
	dir := t.TempDir()
	photo := filepath.Join(dir, "photo.jpg")
	if err := os.WriteFile(photo, []byte("\xff\xd8\xff\xe0"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&crowdedAPI{current: map[string]int{}, highest: map[string]int{}, accepted: map[string]job.ID{}})
	defer server.Close()
	getenv := func(name string) string { return map[string]string{"HOME": dir, "ATELIER_API": server.URL}[name] }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := run(ctx, []string{"submit", photo, "-s", "mosaic", "-o", filepath.Join(dir, "out") + "/"},
		getenv, strings.NewReader(""), cancelingWriter{cancel}, io.Discard)
	if err != nil {
		t.Errorf("got %v", err)
	}
	if left, err := batch.List(filepath.Join(dir, ".local", "state", "atelier")); err != nil || len(left) > 0 {
		t.Errorf("left to be resumed: %v, %v", left, err)
	}
}

// A brokenLine is a connection that breaks after each picture but the first was sent.
type brokenLine struct{ sent int }

func (l *brokenLine) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	l.sent++
	if l.sent > 1 && l.sent < 100 {
		return nil, io.ErrUnexpectedEOF
	}
	id, err := job.NewID()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(job.Job{ID: id, State: job.Queued})
	return &http.Response{
		Request: r, StatusCode: http.StatusAccepted, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)),
	}, err
}

// A picture whose connection always breaks ends its batch after --timeout: bytes that were
// sent before are no progress.
func TestBrokenLine(t *testing.T) {
	dir := t.TempDir()
	var photos []string
	for _, name := range []string{"a.jpg", "b.jpg"} {
		photos = append(photos, filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), []byte("\xff\xd8\xff\xe0"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		line := &brokenLine{}
		api, err := client.New(client.Config{Address: "http://x", Transport: line})
		if err != nil {
			t.Fatal(err)
		}
		a := &app{
			settings: settings{Timeout: time.Minute},
			api:      api,
			getenv:   func(string) string { return dir },
			stdout:   io.Discard,
			screen:   terminal.New(io.Discard, ""),
		}
		ctx, cancel := a.withTimeout(t.Context(), true)
		defer cancel()
		cmd := submitCommand{Photos: photos, Style: "mosaic", Parallel: 1}
		err = cmd.submitBatch(ctx, a)
		if again := (*resumableError)(nil); !errors.As(err, &again) || exitCode(err) != exitCode(client.ErrUnavailable) {
			t.Errorf("after %d submissions: got %v, want the command that resumes it", line.sent, err)
		}
	})
}

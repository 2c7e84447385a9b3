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
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A crowdedAPI paints at once and counts who asks for what at a time.
type crowdedAPI struct {
	together int // as many submissions are let in only together; then all
	gate     chan struct{}

	mu       sync.Mutex
	now      map[string]int
	most     map[string]int
	accepted map[string]job.ID // by Idempotency-Key
}

func (c *crowdedAPI) enter(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[kind]++
	c.most[kind] = max(c.most[kind], c.now[kind])
	if c.now[kind] == c.together && c.gate != nil {
		close(c.gate)
		c.gate = nil
	}
}

func (c *crowdedAPI) leave(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[kind]--
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
	gate := c.gate
	c.mu.Unlock()
	c.enter(kind)
	defer c.leave(kind)
	sum := sha256.Sum256([]byte(painted))
	switch kind {
	case "submit":
		if gate != nil {
			select {
			case <-gate:
			case <-time.After(patienceOfScripts):
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

// However many pictures there are, --parallel of them are on their way at a time,
// no more and no fewer, and each is one job.
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
		together: parallel, gate: make(chan struct{}), now: map[string]int{}, most: map[string]int{}, accepted: map[string]job.ID{},
	}
	server := httptest.NewServer(api)
	defer server.Close()
	getenv := func(name string) string { return map[string]string{"HOME": dir, "ATELIER_API": server.URL}[name] }
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{
		"submit", filepath.Join(dir, "in"), "-s", "mosaic", "-o", filepath.Join(dir, "out"), "--parallel", strconv.Itoa(parallel),
	}, strings.NewReader(""), &stdout, &stderr, getenv)
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("got %v, and on standard error %q", err, stderr.String())
	}
	if n := strings.Count(stdout.String(), "\n"); n != pictures || len(api.accepted) != pictures {
		t.Errorf("got %d lines and %d jobs, want %d", n, len(api.accepted), pictures)
	}
	if results, err := os.ReadDir(filepath.Join(dir, "out")); err != nil || len(results) != pictures {
		t.Errorf("got %d results, %v", len(results), err)
	}
	if api.most["submit"] != parallel || api.most["job"] > parallel || api.most["result"] > parallel {
		t.Errorf("at a time: %v, want %d", api.most, parallel)
	}
}

// cancelingWriter interrupts who writes to it.
type cancelingWriter struct{ cancel context.CancelFunc }

func (w cancelingWriter) Write(p []byte) (int, error) {
	w.cancel()
	return len(p), nil
}

// An interruption that comes when the last picture is done interrupts nothing.
func TestInterruptedWhenAllIsDone(t *testing.T) {
	dir := t.TempDir()
	photo := filepath.Join(dir, "photo.jpg")
	if err := os.WriteFile(photo, []byte("\xff\xd8\xff\xe0"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&crowdedAPI{now: map[string]int{}, most: map[string]int{}, accepted: map[string]job.ID{}})
	defer server.Close()
	getenv := func(name string) string { return map[string]string{"HOME": dir, "ATELIER_API": server.URL}[name] }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := run(ctx, []string{"submit", photo, "-s", "mosaic", "-o", filepath.Join(dir, "out") + "/"},
		strings.NewReader(""), cancelingWriter{cancel}, io.Discard, getenv)
	if err != nil {
		t.Errorf("got %v", err)
	}
	if left, err := journals(filepath.Join(dir, ".local", "state", "atelier")); err != nil || len(left) > 0 {
		t.Errorf("left to be picked up: %v, %v", left, err)
	}
}

// A brokenLine lets the first picture through, and dies under every other when it
// was sent.
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
	return answer(r, http.StatusAccepted, nil, body), err
}

// A picture under which the connection dies whenever it is sent does not keep its
// batch alive for ever: what was sent before is no news.
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
		a := &app{
			settings: settings{Timeout: time.Minute},
			api:      &client{base: &url.URL{Scheme: "http", Host: "x", Path: "/"}, http: &http.Client{Transport: line}},
			getenv:   func(string) string { return dir },
			stdout:   io.Discard,
			screen:   &screen{w: io.Discard},
		}
		ctx, cancel := a.within(t.Context(), true)
		defer cancel()
		cmd := submitCommand{Photos: photos, Style: "mosaic", Parallel: 1}
		err := cmd.runBatch(ctx, a)
		if again := (*resumableError)(nil); !errors.As(err, &again) || exitCode(err) != exitCode(errAway) {
			t.Errorf("after %d submissions: got %v, want to be told how to go on", line.sent, err)
		}
	})
}

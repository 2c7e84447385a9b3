package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A fakeS3 is the bucket to which the API has large pictures sent.
type fakeS3 struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string][]byte
	puts    []string           // URL and header of each request
	faults  []http.HandlerFunc // each for one PUT; it replaces the response
}

func newFakeS3(t *testing.T) *fakeS3 {
	d := &fakeS3{objects: map[string][]byte{}}
	d.Server = httptest.NewServer(http.HandlerFunc(d.put))
	t.Cleanup(d.Close)
	return d
}

func (d *fakeS3) put(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.puts = append(d.puts, fmt.Sprint(r.URL, r.Header))
	var fault http.HandlerFunc
	if len(d.faults) > 0 {
		fault, d.faults = d.faults[0], d.faults[1:]
	}
	d.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	w.WriteHeader(d.store(r))
}

func (d *fakeS3) store(r *http.Request) int {
	content, err := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	_, there := d.objects[r.URL.Path]
	switch {
	case err != nil:
		return http.StatusBadRequest
	case r.Method != http.MethodPut || r.URL.Query().Get("bytes") != fmt.Sprint(r.ContentLength) || r.Header.Get("If-None-Match") != "*":
		return http.StatusForbidden
	case there:
		return http.StatusPreconditionFailed
	}
	d.objects[r.URL.Path] = content
	return http.StatusOK
}

func (d *fakeS3) Sign(_ context.Context, name string, bytes int64, _ time.Duration) (string, http.Header, error) {
	return fmt.Sprintf("%s/bucket/uploads/%s?bytes=%d", d.URL, name, bytes), http.Header{"If-None-Match": {"*"}}, nil
}

func (d *fakeS3) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	content, ok := d.objects["/bucket/uploads/"+name]
	if !ok {
		return nil, 0, job.ErrUploadIncomplete
	}
	return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
}

func (d *fakeS3) Remove(context.Context, string) error { return nil }

func (d *fakeS3) requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.puts)
}

// forget removes what was put.
func (d *fakeS3) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.objects)
}

// uploadService starts the real API, with a bucket unless d is nil.
func uploadService(t *testing.T, d *fakeS3) (address string, jobs *store.Store) {
	t.Helper()
	jobs, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{Store: jobs, Queue: make(memoryQueue, 100), Version: "test"}
	if d != nil {
		cfg.Uploads = d
	}
	handler, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, jobs
}

package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/pkg/uploads"
)

// A grant is the response to POST /v1/uploads.
type grant struct {
	UploadID  string            `json:"upload_id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expires_at"`
}

func (s *service) upload(bytes int, header ...string) (u grant) {
	s.Helper()
	resp, body := s.send("POST", "/v1/uploads", fmt.Sprintf(`{"bytes": %d}`, bytes), header...)
	if err := json.Unmarshal(body, &u); err != nil || resp.StatusCode != http.StatusCreated {
		s.Fatalf("%s: %s, %v", resp.Status, body, err)
	}
	return u
}

// put sends a picture to the upload's address with the upload's headers only.
func (u grant) put(t *testing.T, content []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), u.Method, u.URL, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range u.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// take submits an upload.
func (s *service) take(id string, header ...string) (*http.Response, []byte) {
	s.Helper()
	contentType, body := form(s.T, field{name: "upload_id", value: id}, field{name: "style", value: style.Names()[0]})
	return s.send("POST", "/v1/jobs", string(body), append(header, "Content-Type", contentType)...)
}

func (s *service) taken(id string, header ...string) job.Job {
	s.Helper()
	resp, body := s.take(id, header...)
	var j job.Job
	if err := json.Unmarshal(body, &j); err != nil || resp.StatusCode != http.StatusAccepted {
		s.Fatalf("%s: %s, %v", resp.Status, body, err)
	}
	return j
}

// uploadsInMemory are uploads in memory.
type uploadsInMemory struct {
	mu      sync.Mutex
	objects map[string][]byte // by name
	before  func()            // the next Open
	opened  func(io.Reader) io.Reader
	err     error // instead of everything
}

func (i *uploadsInMemory) Sign(_ context.Context, name string, _ int64, _ time.Duration) (string, http.Header, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return origin + "/" + name, http.Header{"If-None-Match": {"*"}}, i.err
}

func (i *uploadsInMemory) put(url string, content []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.objects == nil {
		i.objects = map[string][]byte{}
	}
	i.objects[strings.TrimPrefix(url, origin+"/")] = content
}

func (i *uploadsInMemory) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	if i.before != nil {
		i.before()
	}
	i.mu.Lock()
	content, ok := i.objects[name]
	opened, err := i.opened, i.err
	i.mu.Unlock()
	if err == nil && !ok {
		err = job.ErrUploadIncomplete
	}
	if err != nil {
		return nil, 0, err
	}
	var r io.Reader = bytes.NewReader(content)
	if opened != nil {
		r = opened(r)
	}
	return io.NopCloser(r), int64(len(content)), nil
}

func (i *uploadsInMemory) Remove(_ context.Context, name string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.objects, name)
	return i.err
}

// fail makes all calls fail, or stops that with nil.
func (i *uploadsInMemory) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

func (i *uploadsInMemory) left() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.objects)
}

// serveUploads is a server with a bucket; left lists the bucket's uploads/.
func serveUploads(t *testing.T) (g *keyedService, a *testBucket, left func() []string) {
	t.Helper()
	a = newTestBucket(t)
	g = serveWithKeys(t, func(c *api.Config) { c.Copies, c.Uploads = a.copies, uploads.New(a.copies.Bucket()) })
	return g, a, func() (keys []string) {
		t.Helper()
		for o, err := range a.copies.Bucket().List(t.Context(), uploads.Prefix) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, o.Key)
		}
		return keys
	}
}

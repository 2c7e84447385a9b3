package api_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A site is the real handler on a socket, behind a switch for faults.
type site struct {
	url   string // ends with a slash
	store *store.Store
	queue *siteQueue
	drop  func()                                                        // breaks the connections that there are
	fault atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // true: it has answered
}

// siteQueue is a queue that records its messages.
type siteQueue struct {
	messages chan job.Message
	down     atomic.Bool
}

func (q *siteQueue) Send(_ context.Context, m job.Message) error {
	if q.down.Load() {
		return errors.New("the queue is away")
	}
	q.messages <- m
	return nil
}

func (q *siteQueue) Check(context.Context) error { return nil }

func newSite(t *testing.T, prefix string, settings ...func(*api.Config)) *site {
	t.Helper()
	jobs, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{store: jobs, queue: &siteQueue{messages: make(chan job.Message, 16)}}
	cfg := api.Config{Store: jobs, Queue: s.queue, Version: "test"}
	for _, set := range settings {
		set(&cfg)
	}
	handler, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := s.fault.Load(); fault == nil || !(*fault)(w, r) {
			handler.ServeHTTP(w, r)
		}
	})))
	t.Cleanup(server.Close)
	s.drop = server.CloseClientConnections
	s.url = server.URL + prefix + "/"
	return s
}

// answer makes requests below a path get this response, until recover.
func (s *site) answer(path string, status int, body string) {
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, path) {
			return false
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	})
}

// vanish breaks every connection, as if the server had disappeared, until recover.
func (s *site) vanish() {
	s.intercept(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	s.drop()
}

func (s *site) intercept(fault func(http.ResponseWriter, *http.Request) bool) { s.fault.Store(&fault) }

func (s *site) recover() { s.fault.Store(nil) }

// claim takes the next job from the queue and stores its preview, like a worker that could decode
// the picture.
func (s *site) claim(t *testing.T) *store.Lease {
	t.Helper()
	lease := s.claimOnly(t)
	s.preview(t, lease)
	return lease
}

// preview stores the preview of a job's picture.
func (s *site) preview(t *testing.T, lease *store.Lease) {
	t.Helper()
	data, _, err := s.store.Pictures(&lease.Spec)
	if err != nil {
		t.Fatal(err)
	}
	photo, _, err := imageio.Decode(t.Context(), data, imageio.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if data, err = imageio.Preview(photo, imageio.PreviewEdge); err == nil {
		err = lease.StorePreview(data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// claimOnly takes the next job from the queue, without a preview.
func (s *site) claimOnly(t *testing.T) *store.Lease {
	t.Helper()
	select {
	case m := <-s.queue.messages:
		lease, err := s.store.Claim(t.Context(), m.Job, m.Run, "page test")
		if err != nil {
			t.Fatal(err)
		}
		return lease
	case <-time.After(pageTimeout):
		t.Fatal("no job was submitted")
		return nil
	}
}

// succeed ends a job with a picture in its format, and with a thumbnail if the job has one.
func succeed(t *testing.T, lease *store.Lease) {
	t.Helper()
	spec, painted := &lease.Spec, colors(96, 64, 0)
	var out bytes.Buffer
	err := imageio.Encode(&out, painted, spec.Format, spec.Quality)
	var thumb []byte
	if err == nil && spec.Public && spec.Format != "jpeg" {
		thumb, err = imageio.Thumbnail(painted)
	}
	if err == nil {
		err = lease.Succeed(out.Bytes(), thumb, job.Result{Width: 96, Height: 64, ContentType: imageio.ContentType(spec.Format)},
			job.Receipt{Worker: "daemon", Engine: "test", QueueWaitMS: 200, DecodeMS: 50, StylizeMS: 200, EncodeMS: 50})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// photo makes a picture to submit.
func photo(t *testing.T, width, height int) string {
	return file(t, "photo.jpg", gradient(t, width, height, 200))
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gradient(t *testing.T, width, height int, blue uint8) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, colors(width, height, blue), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func colors(width, height int, blue uint8) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetRGBA(x, y, color.RGBA{uint8(255 * x / width), uint8(255 * y / height), blue, 255})
		}
	}
	return img
}

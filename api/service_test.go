package api_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A recordingQueue is a queue that records its messages.
type recordingQueue struct {
	mu   sync.Mutex
	sent []job.Message // their bodies
	full []job.Message
	err  error
	left int // sends before err is returned
}

func (l *recordingQueue) Send(_ context.Context, m job.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == 0 && l.err != nil {
		return l.err
	}
	l.left = max(0, l.left-1)
	l.sent = append(l.sent, job.Message{Job: m.Job, Run: m.Run})
	l.full = append(l.full, m)
	return nil
}

func (l *recordingQueue) Check(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left > 0 {
		return nil
	}
	return l.err
}

// set makes the queue unavailable with err, or available with nil.
func (l *recordingQueue) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.left = err, 0
}

// failAfter makes the queue unavailable after n more messages.
func (l *recordingQueue) failAfter(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.left = errors.New("away"), n
}

func (l *recordingQueue) messages() []job.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sent)
}

// last returns the last message with its attributes.
func (l *recordingQueue) last() job.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full[len(l.full)-1]
}

// A service is the API on a socket.
type service struct {
	*testing.T
	url   string
	store *store.Store
	queue *recordingQueue
}

func serve(t *testing.T, settings ...func(*api.Config)) *service {
	t.Helper()
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return (&service{T: t, store: s, queue: &recordingQueue{}}).beside(settings...)
}

// beside is another server on the same store and queue.
func (s *service) beside(settings ...func(*api.Config)) *service {
	s.Helper()
	cfg := api.Config{Store: s.store, Queue: s.queue, Version: "test"}
	for _, set := range settings {
		set(&cfg)
	}
	h, err := api.New(cfg)
	if err != nil {
		s.Fatal(err)
	}
	server := httptest.NewServer(h)
	s.Cleanup(server.Close)
	return &service{s.T, server.URL, s.store, s.queue}
}

// limited is another server on the same store and queue, with quotas.
func (s *service) limited(q store.Quotas) *service {
	s.Helper()
	jobs, err := store.Open(store.Config{Dir: s.store.Dir(), Quotas: q})
	if err != nil {
		s.Fatal(err)
	}
	return (&service{T: s.T, store: jobs, queue: s.queue}).beside()
}

// A field is one part of a form; a file if it has data.
type field struct {
	name, value string
	data        []byte
}

func form(t *testing.T, fields ...field) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		var err error
		if f.data == nil {
			err = w.WriteField(f.name, f.value)
		} else {
			var part io.Writer
			if part, err = w.CreateFormFile(f.name, f.value); err == nil {
				_, err = part.Write(f.data)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

func (s *service) post(contentType string, body []byte) (*http.Response, []byte) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+"/v1/jobs", bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return s.do(req)
}

func (s *service) get(path string, header ...string) (*http.Response, []byte) {
	s.Helper()
	return s.send(http.MethodGet, path, "", header...)
}

// send sends a request with names and values of headers. A body is JSON unless Content-Type says
// otherwise.
func (s *service) send(method, path, body string, header ...string) (*http.Response, []byte) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	return s.do(req)
}

// do sends a request and follows no redirect.
func (s *service) do(req *http.Request) (*http.Response, []byte) {
	s.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp, b
}

// submit posts a valid submission and returns its job.
func (s *service) submit(fields ...field) job.Job {
	s.Helper()
	resp, body := s.post(form(s.T, fields...))
	if resp.StatusCode != http.StatusAccepted {
		s.Fatalf("%s: %s", resp.Status, body)
	}
	var j job.Job
	if err := json.Unmarshal(body, &j); err != nil {
		s.Fatal(err)
	}
	return j
}

// files counts the files of the store, except its marker.
func (s *service) files() (n int) {
	s.Helper()
	err := filepath.WalkDir(s.store.Dir(), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "FORMAT" {
			n++
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return n
}

func picture() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for y := range 40 {
		for x := range 60 {
			img.Set(x, y, color.RGBA{uint8(4 * x), uint8(6 * y), 90, 255})
		}
	}
	return img
}

func jpegPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hugePNG declares more pixels than any memory holds.
func hugePNG(t *testing.T) []byte {
	t.Helper()
	b := pngPicture(t)
	binary.BigEndian.PutUint32(b[16:], 60000)
	binary.BigEndian.PutUint32(b[20:], 60000)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// pictures reads the stored pictures of a submission.
func (s *service) pictures(t *testing.T, id job.ID) (photo, style []byte) {
	t.Helper()
	spec, err := s.store.Spec(id)
	if err == nil {
		photo, style, err = s.store.Pictures(&spec)
	}
	if err != nil {
		t.Fatal(err)
	}
	return photo, style
}

package api_test

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/uploads"
)

// largePicture makes a picture that is sent by S3 if the server has uploads.
func largePicture(t *testing.T) (path string, content []byte) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 1400, 1100))
	_, _ = rand.NewChaCha8([32]byte{}).Read(img.Pix)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "large.png")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b.Bytes()
}

// A large style picture is sent by the bucket too, once for each picture that is painted in it;
// small photographs are in their forms.
func TestPageUploadsLargeStyles(t *testing.T) {
	t.Parallel()
	b := &browser{browsertest.Start(t)}
	path, content := largePicture(t)
	a := newTestBucket(t)
	s := serve(t, func(c *api.Config) { c.Copies, c.Uploads = a.copies, uploads.New(a.copies.Bucket()) })
	if _, err := bucket.Create(t.Context(), a.cfg, "atelier", s.url); err != nil { // once more, for its pages
		t.Fatal(err)
	}
	a.puts.Store(0)
	p := b.open(t, s.url+"/")
	p.add(photos(t, 2)...)
	p.Until(`document.querySelector('#tiles input')`)
	p.Do(chromedp.SetUploadFiles(chromedp.CSS("#own-file"), []string{path}))
	p.Until(`document.querySelector('#own-choice').checkVisibility()`)
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilStrip("Queued", "Queued")
	jobs, _, err := s.store.List(store.Query{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 2 {
		t.Fatalf("%d jobs", len(jobs))
	}
	for _, j := range jobs {
		if _, got := s.pictures(t, j.ID); !bytes.Equal(got, content) {
			t.Errorf("job %s has a style picture of %d bytes, want %d", j.ID, len(got), len(content))
		}
	}
	if n := a.puts.Load(); n != 2 {
		t.Errorf("%d requests to put it, want 2", n)
	}
}

// The page sends a large picture by the bucket, again after an interruption, and directly if the
// server has no uploads.
func TestPageUploadsLargePictures(t *testing.T) {
	t.Parallel()
	b := &browser{browsertest.Start(t)}
	path, content := largePicture(t)
	a := newTestBucket(t)
	withUploads := func(c *api.Config) { c.Copies, c.Uploads = a.copies, uploads.New(a.copies.Bucket()) }
	for _, c := range []struct {
		name     string
		settings func(*api.Config)
		breaks   int64 // how many PUTs do
		puts     int64
	}{
		{"by the bucket", withUploads, 0, 1}, {"again after a failure", withUploads, 1, 2}, {"directly", func(*api.Config) {}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.settings)
			if _, err := bucket.Create(t.Context(), a.cfg, "atelier", s.url); err != nil { // once more, for its pages
				t.Fatal(err)
			}
			a.puts.Store(0)
			if c.breaks > 0 {
				pass := a.override.Load()
				var broken atomic.Int64
				breaking := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPut && broken.Add(1) <= c.breaks {
						panic(http.ErrAbortHandler)
					}
					a.forward(w, r)
				})
				a.override.Store(&breaking)
				defer a.override.Store(pass)
			}
			p := b.open(t, s.url+"/")
			if c.breaks > 0 || c.puts == 0 {
				p.ExpectFailures()
			}
			p.submit(path)
			p.untilPhase("queued")
			jobs, _, err := s.store.List(store.Query{Limit: 2})
			if err != nil || len(jobs) != 1 {
				t.Fatal(jobs, err)
			}
			if got, _ := s.pictures(t, jobs[0].ID); !bytes.Equal(got, content) {
				t.Errorf("the job has a picture of %d bytes, want %d", len(got), len(content))
			}
			if n := a.puts.Load(); n != c.puts {
				t.Errorf("%d requests to put it, want %d", n, c.puts)
			}
		})
	}
}

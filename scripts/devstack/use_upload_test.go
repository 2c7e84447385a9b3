package main_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// largePhotograph makes a photograph of 19 MiB, four times the limit of Lambda.
func largePhotograph(t *testing.T) (path string, size int64) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 2620, 2540))
	_, _ = rand.NewChaCha8([32]byte{}).Read(img.Pix)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if b.Len() < 19<<20 || b.Len() > 20<<20 {
		t.Fatalf("it has %d bytes", b.Len())
	}
	path = filepath.Join(t.TempDir(), "large.png")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, int64(b.Len())
}

// A photograph of 19 MiB is submitted to the API's function through S3, with the submitter and with
// the page, and is painted.
func TestUseLargePhotograph(t *testing.T) {
	d := start(t, "lambda", "ATELIER_COPY_EVERY=1h")
	path, size := largePhotograph(t)

	j, _ := d.submitFile(path, "--size", "512")
	d.wantUploaded(j.ID, size)

	p := browsertest.Start(t).Open(t, d.Base+"/")
	p.Until(`document.querySelector('#tiles input')`)
	p.Do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{path}))
	p.Until(`document.querySelectorAll('#pieces label').length === 1`)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
	p.Until(`document.body.dataset.phase === 'succeeded' && document.querySelector('#after').naturalWidth > 0`)
	d.wantUploaded(job.ID(p.Str(`location.hash.slice('#job='.length)`)), size)

	a := d.Ask(http.MethodPost, "/v1/uploads", bytes.NewReader([]byte(`{"bytes": 20971521}`)), "Content-Type", "application/json")
	d.Refused(a, http.StatusRequestEntityTooLarge, "too_many_bytes")
	d.end(os.Interrupt)
}

// wantUploaded checks that a job has the picture of an upload, and that nothing else is left of the
// upload.
func (d *demo) wantUploaded(id job.ID, size int64) {
	d.Helper()
	specs, err := filepath.Glob(filepath.Join(d.dir, "shared", "jobs", "*", "*", "*", "*", string(id), "spec.json"))
	var spec job.Spec
	if err == nil && len(specs) == 1 {
		var b []byte
		if b, err = os.ReadFile(specs[0]); err == nil {
			err = json.Unmarshal(b, &spec)
		}
	}
	if err != nil || spec.Upload == "" || spec.Input.Bytes != size {
		d.Errorf("job %s: %+v, %v", id, spec, err)
	}
	cfg := d.awsConfig()
	for o, err := range bucket.New(cfg, "atelier").List(d.Context(), "uploads/") {
		d.Errorf("left in the bucket: %s, %v", o.Key, err)
	}
	if left, err := filepath.Glob(filepath.Join(d.dir, "shared", "uploads", "*", "*")); err != nil || len(left) > 0 {
		d.Errorf("left pending: %v, %v", left, err)
	}
}

package measurement

import (
	"bytes"
	"image"
	"image/png"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"testing"
)

// Every system gets requests for private pictures, as with keys and as in the functions without an
// API: a public picture has a thumbnail, which takes additional time.
func TestFormsArePrivate(t *testing.T) {
	samples := t.TempDir()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 32, 32))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"} {
		if err := os.WriteFile(filepath.Join(samples, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	targets, err := Programs{Samples: samples}.forms(Variant{Size: 32}, "http://127.0.0.1/")
	if err != nil || len(targets) != 4 {
		t.Fatal(len(targets), err)
	}
	for _, target := range targets {
		_, params, err := mime.ParseMediaType(target.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := multipart.NewReader(bytes.NewReader(target.Body), params["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Value["public"]; len(got) != 1 || got[0] != "false" {
			t.Errorf("public is %q, want false", got)
		}
	}
}

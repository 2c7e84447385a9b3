package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/submitter/picture"
)

// A picture that shrinks while it is sent is an error of the picture, not of the API.
func TestShrinkingPicture(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer api.Close()
	c, err := New(Config{Address: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.Spool(t.Context(), "a reader", strings.NewReader("PICTURE"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Size += 10
	f, err := newForm(nil, map[string]*picture.File{"image": p})
	if err != nil {
		t.Fatal(err)
	}
	_, unclear, err := c.submit(t.Context(), f, "key", nil)
	if err == nil || unclear || Temporary(err) || !strings.Contains(err.Error(), "it has become shorter") {
		t.Errorf("got %v, unclear %v; want an error about the picture", err, unclear)
	}
}

// A form can be read again, has the size that it states, and has its text fields first.
func TestForm(t *testing.T) {
	p, err := picture.Spool(t.Context(), "a reader", strings.NewReader("PICTURE"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f, err := newForm([][2]string{{"style", "mosaic"}}, map[string]*picture.File{"image": p})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b, err := io.ReadAll(f.body())
		if err != nil || int64(len(b)) != f.size {
			t.Fatalf("read %d bytes of %d, error %v", len(b), f.size, err)
		}
		style, image := strings.Index(string(b), "mosaic"), strings.Index(string(b), "PICTURE")
		if style < 0 || image < style {
			t.Errorf("got style at %d and image at %d, want the style first", style, image)
		}
	}
}

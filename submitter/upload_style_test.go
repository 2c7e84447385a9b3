package main

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/store"
)

// A large style picture is uploaded separately too, and a small one is not.
func TestLargeStylePictureGoesByAnUpload(t *testing.T) {
	large := largePicture(t)
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	small := b.String()
	for name, c := range map[string]struct {
		photograph, style string
		faults            []http.HandlerFunc
		puts              int
	}{
		"the style's alone":        {small, large, nil, 1},
		"both":                     {large, large, nil, 2},
		"the photograph's alone":   {large, small, nil, 1},
		"the second is broken off": {large, large, []http.HandlerFunc{nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFakeS3(t)
			d.faults = c.faults
			address, jobs := uploadService(t, d)
			style := filepath.Join(t.TempDir(), "style.png")
			if err := os.WriteFile(style, []byte(c.style), 0o600); err != nil {
				t.Fatal(err)
			}
			ran := runProgram(t, address, c.photograph, nil, "submit", "-", "--style-image", style)
			if ran.code != 0 {
				t.Fatalf("exit status %d: %s", ran.code, ran.stderr)
			}
			if puts := d.requests(); len(puts) != c.puts {
				t.Errorf("%d pictures were put, want %d: %q", len(puts), c.puts, puts)
			}
			wantPicture(t, jobs, c.photograph)
			list, _, err := jobs.List(store.Query{Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			spec, err := jobs.Spec(list[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, err := jobs.Pictures(&spec); err != nil || string(got) != c.style {
				t.Errorf("the style's picture has %d bytes, want %d; %v", len(got), len(c.style), err)
			}
		})
	}
}

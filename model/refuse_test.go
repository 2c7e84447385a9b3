package model

import (
	"errors"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestInvalidRequestsAreRefused(t *testing.T) {
	photo, red := swatch.Filled(8, 8, swatch.Orange), style.Mix{{Name: "red", Weight: 1}}
	nan := math.NaN()
	m := new(fake).open(t, Config{})
	m.vectors["red"] = []float32{1, 0, 0}
	for _, tt := range []struct {
		name string
		req  style.Request
		want string
		is   error
	}{
		{"unknown style", style.Request{Content: photo, Mix: style.Mix{{Name: "nobody", Weight: 1}}, Strength: 1}, "nobody", job.ErrUnknownStyle},
		{"unknown style at strength 0", style.Request{Content: photo, Mix: style.Mix{{Name: "nobody", Weight: 1}}}, "nobody", job.ErrUnknownStyle},
		{"unknown style in a blend", style.Request{Content: photo, Mix: style.Mix{{Name: style.Names()[0], Weight: 0.5}, {Name: "nobody", Weight: 0.5}}, Strength: 1}, "nobody", job.ErrUnknownStyle},
		{"no photograph", style.Request{Mix: red, Strength: 1}, "the photograph: it has no pixels", nil},
		{"moved photograph", style.Request{Content: image.NewRGBA(image.Rect(1, 1, 5, 5)), Mix: red, Strength: 1}, "bounds begin at (1,1)", nil},
		{"empty picture", style.Request{Content: photo, Picture: new(image.RGBA), Strength: 1}, "the style's picture: it has no pixels", nil},
		{"no style", style.Request{Content: photo, Strength: 1}, "no style and no picture", nil},
		{"two styles", style.Request{Content: photo, Mix: red, Picture: photo, Strength: 1}, "both a named style and a picture", nil},
		{"strength over 1", style.Request{Content: photo, Mix: red, Strength: 1.1}, "strength must be 0 to 1, not 1.1", nil},
		{"strength is NaN", style.Request{Content: photo, Mix: red, Strength: nan}, "strength must be 0 to 1, not NaN", nil},
		{"weight is NaN", style.Request{Content: photo, Mix: style.Mix{{Name: "red", Weight: nan}}, Strength: 1}, "the weight of red", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := m.Stylize(t.Context(), tt.req)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got error %v, want one containing %q that is %v", err, tt.want, tt.is)
			}
		})
	}
}

func TestFoldersAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := openFolder(Config{Dir: dir}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "model "+dir+": ") {
		t.Errorf("got %v for a missing folder, want an fs.ErrNotExist that names it", err)
	}
	if err := os.WriteFile(dir, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "model "+dir+": "+dir+" is not a folder") {
		t.Errorf("got %v for a file, want an error that says so", err)
	}
	if _, err := openFolder(Config{Threads: -1}); err == nil || !strings.Contains(err.Error(), "threads must be") {
		t.Errorf("got %v, want the error of the configuration", err)
	}
}

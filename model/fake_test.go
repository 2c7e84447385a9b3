package model

import (
	"image"
	"image/color"
	"sync/atomic"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
)

// A fake is a network that paints like the test models, for pictures of one colour: half the
// photograph, half the style's mean colour.
type fake struct {
	reads  atomic.Int64
	during func() // called by each run
}

// open returns a model that uses f, with styles as vectors.
func (f *fake) open(t *testing.T, cfg Config) *Model {
	t.Helper()
	cfg.Dir = t.TempDir()
	m, err := Open(cfg, func(Config, *Folder) (func() (*Loaded, error), error) {
		return func() (*Loaded, error) { return &Loaded{Engine: "fake 1", Width: 3, Vectors: f, Close: func() {}}, nil }, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func (f *fake) Read(style *image.RGBA) ([]float32, error) {
	f.reads.Add(1)
	v := make([]float32, 3)
	for i, b := range style.Pix {
		if i%4 < 3 {
			v[i%4] += float32(b) / 255 / float32(len(style.Pix)/4)
		}
	}
	return v, nil
}

func (f *fake) Paint(content *image.RGBA, style []float32, dst *image.RGBA, share float32) (int, error) {
	if f.during != nil {
		f.during()
	}
	c := content.RGBAAt(0, 0)
	mix := func(p uint8, s float32) uint8 {
		return uint8((float32(p)*0.5+s*127.5)*share + float32(p)*(1-share) + 0.5)
	}
	copy(dst.Pix, swatch.Filled(dst.Rect.Dx(), dst.Rect.Dy(), color.RGBA{mix(c.R, style[0]), mix(c.G, style[1]), mix(c.B, style[2]), 255}).Pix)
	return 0, nil
}

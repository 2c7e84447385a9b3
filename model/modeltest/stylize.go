package modeltest

import (
	"bytes"
	"image"
	"image/color"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
)

func (e Engine) styles(t *testing.T) {
	named := func(mix ...style.Ingredient) style.Mix { return mix }
	red, blue := style.Ingredient{Name: "red", Weight: 1}, style.Ingredient{Name: "blue", Weight: 1}
	tests := []struct {
		name string
		req  style.Request
		want color.RGBA // for a photograph that is completely orange
	}{
		{"stored vector", style.Request{Mix: named(red), Strength: 1}, color.RGBA{228, 50, 20, 255}},
		{"another", style.Request{Mix: named(blue), Strength: 1}, color.RGBA{100, 50, 148, 255}},
		{"picture", style.Request{Picture: swatch.Filled(90, 60, swatch.Teal), Strength: 1}, color.RGBA{105, 110, 85, 255}},
		{"blend", style.Request{Mix: named(style.Ingredient{Name: "red", Weight: 0.75}, style.Ingredient{Name: "blue", Weight: 0.25}), Strength: 1},
			color.RGBA{196, 50, 52, 255}},
		// The vector moves away from the photograph's own, its mean colour.
		{"half", style.Request{Mix: named(red), Strength: 0.5}, color.RGBA{214, 75, 30, 255}},
		{"at the fade", style.Request{Mix: named(red), Strength: 0.25}, color.RGBA{207, 88, 35, 255}},
		// Half of a painting whose colour has moved by a 16th, and half of the photograph.
		{"below the fade", style.Request{Mix: named(red), Strength: 0.125}, color.RGBA{202, 97, 39, 255}},
		{"none", style.Request{Mix: named(red), Strength: 0}, swatch.Orange},
	}
	m := e.Open(t, "full")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []image.Point{{1, 1}, {5, 3}, {7, 5}, {64, 64}, {301, 202}} {
				tt.req.Content = swatch.Filled(size.X, size.Y, swatch.Orange)
				got := Stylize(t, m, tt.req)
				if got.Rect != tt.req.Content.Rect {
					t.Fatalf("got a picture of %v, want %v", got.Rect, tt.req.Content.Rect)
				}
				swatch.WantFilled(t, got, tt.want)
				swatch.WantFilled(t, tt.req.Content, swatch.Orange) // not changed
			}
		})
	}
}

// withoutVector tests a style of the catalogue for which the model has no vector.
func (e Engine) withoutVector(t *testing.T) {
	m := e.Open(t, "full")
	name := style.Names()[0]
	mean := swatch.MeanOf(t, name)
	want := color.RGBA{uint8(100 + mean[0]/2), uint8(50 + mean[1]/2), uint8(20 + mean[2]/2), 255}
	for range 2 {
		req := style.Request{Content: swatch.Filled(20, 20, swatch.Orange), Mix: style.Mix{{Name: name, Weight: 1}}, Strength: 1}
		swatch.WantFilled(t, Stylize(t, m, req), want)
	}
}

func (e Engine) places(t *testing.T) { WantPlaces(t, e.Open(t, "full")) }

// WantPlaces checks that a model does not move pixels.
func WantPlaces(t *testing.T, m *model.Model) {
	t.Helper()
	content := image.NewRGBA(image.Rect(0, 0, 30, 20))
	for i := range content.Pix {
		content.Pix[i] = uint8(i * 7)
		if i%4 == 3 {
			content.Pix[i] = 255
		}
	}
	content = content.SubImage(image.Rect(0, 0, 27, 18)).(*image.RGBA) // rows with padding
	got := Stylize(t, m, style.Request{Content: content, Picture: swatch.Filled(8, 8, swatch.Teal), Strength: 1})
	for y := range 18 {
		for x := range 27 {
			c := content.RGBAAt(x, y)
			swatch.WantAt(t, got, x, y, color.RGBA{uint8((int(c.R) + 10) / 2), uint8((int(c.G) + 120) / 2), uint8((int(c.B) + 130) / 2), 255})
		}
	}
}

// notFinite tests a model whose output is NaN for red, +infinity for green and -infinity for blue.
func (e Engine) notFinite(t *testing.T) {
	var log bytes.Buffer
	m := e.open(t, model.Config{Dir: filepath.Join(e.Testdata, "odd-numbers"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	req := style.Request{Content: swatch.Filled(9, 6, swatch.Orange), Picture: swatch.Filled(9, 6, swatch.Teal), Strength: 1}
	swatch.WantFilled(t, Stylize(t, m, req), color.RGBA{0, 255, 0, 255})
	if want := "values=54 of=162"; !strings.Contains(log.String(), want) {
		t.Errorf("got log %q, want a warning containing %q", log.String(), want)
	}
	req.Strength = 0.5 // half of the result is the photograph
	if m.Info().Vectors {
		req.Strength = 0.125
	}
	swatch.WantFilled(t, Stylize(t, m, req), color.RGBA{100, 178, 20, 255})
}

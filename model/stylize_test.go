package model

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// The models of testdata paint content*0.5 + mean(style)*0.5: see make.py there.

var (
	orange = color.RGBA{200, 100, 40, 255}
	teal   = color.RGBA{10, 120, 130, 255}
)

func TestStylize(t *testing.T) {
	named := func(mix ...style.Ingredient) style.Mix { return mix }
	red, blue := style.Ingredient{Name: "red", Weight: 1}, style.Ingredient{Name: "blue", Weight: 1}
	tests := []struct {
		name string
		req  style.Request
		want color.RGBA // of a photograph that is orange all over
	}{
		{"stored vector", style.Request{Mix: named(red), Strength: 1}, color.RGBA{228, 50, 20, 255}},
		{"another", style.Request{Mix: named(blue), Strength: 1}, color.RGBA{100, 50, 148, 255}},
		{"picture", style.Request{Picture: filled(90, 60, teal), Strength: 1}, color.RGBA{105, 110, 85, 255}},
		{"blend", style.Request{Mix: named(style.Ingredient{Name: "red", Weight: 0.75}, style.Ingredient{Name: "blue", Weight: 0.25}), Strength: 1},
			color.RGBA{196, 50, 52, 255}},
		// The vector moves from the photograph's own, its mean colour.
		{"half", style.Request{Mix: named(red), Strength: 0.5}, color.RGBA{214, 75, 30, 255}},
		{"at the fade", style.Request{Mix: named(red), Strength: 0.25}, color.RGBA{207, 88, 35, 255}},
		// Half of a painting that is a 16th of the way, and half of the photograph.
		{"below the fade", style.Request{Mix: named(red), Strength: 0.125}, color.RGBA{202, 97, 39, 255}},
		{"none", style.Request{Mix: named(red), Strength: 0}, orange},
	}
	m := load1(t, "full")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []image.Point{{1, 1}, {7, 5}, {64, 64}, {301, 202}} {
				tt.req.Content = filled(size.X, size.Y, orange)
				got := stylize(t, m, tt.req)
				if got.Rect != tt.req.Content.Rect {
					t.Fatalf("got a picture of %v, want %v", got.Rect, tt.req.Content.Rect)
				}
				wantFilled(t, got, tt.want)
				wantFilled(t, tt.req.Content, orange) // not changed
			}
		})
	}
}

// TestHub runs the same through serving_default alone, where strength and blends
// cross-fade paintings.
func TestHub(t *testing.T) {
	names := style.Names()
	if len(names) < 2 {
		t.Fatalf("the catalogue has %d styles, want 2 or more", len(names))
	}
	a, b := meanOf(t, names[0]), meanOf(t, names[1])
	m := load1(t, "hub")
	mixed := func(strength, wa, wb float64) color.RGBA {
		at := func(photo uint8, a, b float64) uint8 {
			p := float64(photo)
			painting := 0.5*p + 0.5*(wa*a+wb*b)
			return uint8(math.Round(p + strength*(painting-p)))
		}
		return color.RGBA{at(orange.R, a[0], b[0]), at(orange.G, a[1], b[1]), at(orange.B, a[2], b[2]), 255}
	}
	for _, strength := range []float64{1, 0.6, 0.1, 0} {
		req := style.Request{Content: filled(50, 41, orange), Mix: style.Mix{{Name: names[0], Weight: 1}}, Strength: strength}
		wantFilled(t, stylize(t, m, req), mixed(strength, 1, 0))
		req.Mix = style.Mix{{Name: names[0], Weight: 0.3}, {Name: names[1], Weight: 0.7}}
		wantFilled(t, stylize(t, m, req), mixed(strength, 0.3, 0.7))
	}
	req := style.Request{Content: filled(50, 41, orange), Picture: filled(600, 20, teal), Strength: 1}
	wantFilled(t, stylize(t, m, req), color.RGBA{105, 110, 85, 255})
}

// TestNamedStyleWithoutVector is of the catalogue, and the model has no vector of it.
func TestNamedStyleWithoutVector(t *testing.T) {
	m := load1(t, "full")
	name := style.Names()[0]
	mean := meanOf(t, name)
	want := color.RGBA{uint8(100 + mean[0]/2), uint8(50 + mean[1]/2), uint8(20 + mean[2]/2), 255}
	for range 2 {
		req := style.Request{Content: filled(20, 20, orange), Mix: style.Mix{{Name: name, Weight: 1}}, Strength: 1}
		wantFilled(t, stylize(t, m, req), want)
		if m.storedVector(name) == nil {
			t.Error("the vector of the style's picture was not kept")
		}
	}
}

func TestPixelsKeepTheirPlace(t *testing.T) {
	content := image.NewRGBA(image.Rect(0, 0, 30, 20))
	for i := range content.Pix {
		content.Pix[i] = uint8(i * 7)
		if i%4 == 3 {
			content.Pix[i] = 255
		}
	}
	content = content.SubImage(image.Rect(0, 0, 27, 18)).(*image.RGBA) // rows with padding
	for _, name := range []string{"full", "hub"} {
		got := stylize(t, load1(t, name), style.Request{Content: content, Picture: filled(8, 8, teal), Strength: 1})
		for y := range 18 {
			for x := range 27 {
				c := content.RGBAAt(x, y)
				wantAt(t, got, x, y, color.RGBA{uint8((int(c.R) + 10) / 2), uint8((int(c.G) + 120) / 2), uint8((int(c.B) + 130) / 2), 255})
			}
		}
	}
}

func TestVectorsAreComputedOnlyWhenNeeded(t *testing.T) {
	m := load1(t, "full")
	kept := func() int { return m.seen.order.Len() }
	req := style.Request{Content: filled(20, 20, orange), Mix: style.Mix{{Name: "red", Weight: 1}}, Strength: 1}
	if stylize(t, m, req); kept() != 0 {
		t.Errorf("got %d vectors after a named style at strength 1, want 0", kept())
	}
	req.Mix, req.Picture = nil, filled(30, 30, teal)
	stylize(t, m, req)
	if stylize(t, m, req); kept() != 1 {
		t.Errorf("got %d vectors after the same picture twice, want 1", kept())
	}
	req.Strength = 0.5
	if stylize(t, m, req); kept() != 2 {
		t.Errorf("got %d vectors after a strength of 0.5, want the picture's and the photograph's", kept())
	}
}

func TestStylizeRefuses(t *testing.T) {
	photo, red := filled(8, 8, orange), style.Mix{{Name: "red", Weight: 1}}
	nan := math.NaN()
	tests := []struct {
		name, model string
		req         style.Request
		want        string
		is          error
	}{
		{"unknown style", "full", style.Request{Content: photo, Mix: style.Mix{{Name: "nobody", Weight: 1}}, Strength: 1}, "nobody", job.ErrUnknownStyle},
		{"unknown style at strength 0", "full", style.Request{Content: photo, Mix: style.Mix{{Name: "nobody", Weight: 1}}}, "nobody", job.ErrUnknownStyle},
		{"unknown style in a blend", "hub", style.Request{Content: photo, Mix: style.Mix{{Name: style.Names()[0], Weight: 0.5}, {Name: "nobody", Weight: 0.5}}, Strength: 1}, "nobody", job.ErrUnknownStyle},
		{"stored elsewhere", "hub", style.Request{Content: photo, Mix: red, Strength: 1}, "red", job.ErrUnknownStyle},
		{"no photograph", "full", style.Request{Mix: red, Strength: 1}, "the photograph: it has no pixels", nil},
		{"moved photograph", "full", style.Request{Content: image.NewRGBA(image.Rect(1, 1, 5, 5)), Mix: red, Strength: 1}, "bounds begin at (1,1)", nil},
		{"empty picture", "full", style.Request{Content: photo, Picture: new(image.RGBA), Strength: 1}, "the style's picture: it has no pixels", nil},
		{"no style", "full", style.Request{Content: photo, Strength: 1}, "no style and no picture", nil},
		{"two styles", "full", style.Request{Content: photo, Mix: red, Picture: photo, Strength: 1}, "a named style and a picture", nil},
		{"strength over 1", "full", style.Request{Content: photo, Mix: red, Strength: 1.1}, "strength must be 0 to 1, not 1.1", nil},
		{"strength is no number", "full", style.Request{Content: photo, Mix: red, Strength: nan}, "strength must be 0 to 1, not NaN", nil},
		{"weight is no number", "full", style.Request{Content: photo, Mix: style.Mix{{Name: "red", Weight: nan}}, Strength: 1}, "the weight of red", nil},
		{"the network fails", "fails", style.Request{Content: photo, Picture: photo, Strength: 1}, "running the network: ", nil},
		{"wrong size", "bad-size", style.Request{Content: photo, Picture: photo, Strength: 1}, "shape [1 16 16 3] to a picture of [1 8 8 3]", nil},
		{"vector of no numbers", "odd-vector", style.Request{Content: photo, Picture: photo, Strength: 1}, "a style vector that holds NaN", nil},
	}
	models := map[string]*Model{}
	for _, tt := range tests {
		if models[tt.model] == nil {
			models[tt.model] = load1(t, tt.model)
		}
		t.Run(tt.name, func(t *testing.T) {
			_, err := models[tt.model].Stylize(t.Context(), tt.req)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want one with %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want an error that is %v", err, tt.is)
			}
		})
	}
}

// TestOddNumbers: red is not a number, green +infinity, blue -infinity.
func TestOddNumbers(t *testing.T) {
	var log bytes.Buffer
	m, err := Load(Config{Dir: filepath.Join("testdata", "odd-numbers"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	req := style.Request{Content: filled(9, 6, orange), Picture: filled(9, 6, teal), Strength: 1}
	wantFilled(t, stylize(t, m, req), color.RGBA{0, 255, 0, 255})
	if want := "values=54 of=162"; !strings.Contains(log.String(), want) {
		t.Errorf("got log %q, want a warning with %q", log.String(), want)
	}
	req.Strength = 0.5
	wantFilled(t, stylize(t, m, req), color.RGBA{100, 178, 20, 255})
}

func stylize(t *testing.T, m *Model, req style.Request) *image.RGBA {
	t.Helper()
	got, err := m.Stylize(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func filled(w, h int, c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, c.A
	}
	return img
}

// wantFilled wants one colour all over, to within a rounding of 1.
func wantFilled(t *testing.T, img *image.RGBA, want color.RGBA) {
	t.Helper()
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if !wantAt(t, img, x, y, want) {
				return
			}
		}
	}
}

func wantAt(t *testing.T, img *image.RGBA, x, y int, want color.RGBA) bool {
	t.Helper()
	got := img.RGBAAt(x, y)
	off := func(a, b uint8) bool { return max(a, b)-min(a, b) > 1 }
	if off(got.R, want.R) || off(got.G, want.G) || off(got.B, want.B) || got.A != 255 {
		t.Errorf("got %v at (%d,%d), want %v", got, x, y, want)
		return false
	}
	return true
}

// meanOf is the mean colour of a catalogue picture, as the models of testdata see it.
func meanOf(t *testing.T, name string) (mean [3]float64) {
	t.Helper()
	img, err := cataloguePicture(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range img.Pix {
		if i%4 < 3 {
			mean[i%4] += float64(v)
		}
	}
	for c := range mean {
		mean[c] /= float64(len(img.Pix) / 4)
	}
	return mean
}

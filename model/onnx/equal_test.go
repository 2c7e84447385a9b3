package onnx

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/modeltest"
	"github.com/atelier-go/atelier/model/tensorflow"
	"github.com/atelier-go/atelier/pkg/style"
)

// TestPaintsLikeTensorFlow checks that, with the shipped model, no value of a picture differs from
// the reference's by more than 2 of 255.
func TestPaintsLikeTensorFlow(t *testing.T) {
	reference, err := tensorflow.Load(model.Config{Dir: "../atelier"})
	if err != nil {
		t.Fatal(err)
	}
	defer reference.Close()
	m, err := suite.Load(model.Config{Dir: "../atelier"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	photo := catalogue(t, "watercolour").SubImage(image.Rect(0, 0, 163, 121)).(*image.RGBA)
	same := func(name string, req style.Request) {
		t.Helper()
		want, got := modeltest.Stylize(t, reference, req), modeltest.Stylize(t, m, req)
		if got.Rect != want.Rect {
			t.Errorf("%s: got a picture of %v, want %v", name, got.Rect, want.Rect)
		} else if d := farthest(got, want); d > 2 {
			t.Errorf("%s: a value differs by %d of 255, want at most 2", name, d)
		}
	}
	for _, name := range style.Names() {
		same(name, style.Request{Content: photo, Mix: style.Mix{{Name: name, Weight: 1}}, Strength: 1})
	}
	for _, name := range style.Names()[:2] {
		same(name+" as a picture, at half strength", style.Request{Content: photo, Picture: catalogue(t, name), Strength: 0.5})
	}
	for _, size := range []image.Point{{1, 1}, {1, 40}, {5, 3}, {33, 17}, {130, 127}} {
		part := photo.SubImage(image.Rectangle{Max: size}).(*image.RGBA)
		same(size.String(), style.Request{Content: part, Mix: style.Mix{{Name: style.Names()[0], Weight: 1}}, Strength: 1})
	}
}

func catalogue(t *testing.T, name string) *image.RGBA {
	t.Helper()
	b, err := style.Picture(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out
}

// farthest returns the largest difference between two pictures' values.
func farthest(a, b *image.RGBA) (d uint8) {
	for i := range a.Pix {
		d = max(d, max(a.Pix[i], b.Pix[i])-min(a.Pix[i], b.Pix[i]))
	}
	return d
}

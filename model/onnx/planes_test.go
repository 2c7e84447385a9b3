package onnx

import (
	"image"
	"math"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
)

func TestEveryByteSurvivesConversion(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 128, 2))
	for i := range 256 {
		copy(img.Pix[4*i:], []uint8{uint8(i), uint8(255 - i), uint8(i * 3), 255})
	}
	planes := make([]float32, 3*256)
	toPlanes(planes, img)
	for i := range 256 {
		for c, want := range []uint8{uint8(i), uint8(255 - i), uint8(i * 3)} {
			if got := planes[256*c+i]; got != float32(want)/255 {
				t.Errorf("got %v for %d in plane %d, want %v", got, want, c, float32(want)/255)
			}
		}
	}
	got := image.NewRGBA(img.Rect)
	if nans := drawOver(planes, got, 1); nans != 0 {
		t.Errorf("got %d NaN values, want 0", nans)
	}
	for i := range img.Pix {
		if got.Pix[i] != img.Pix[i] {
			t.Fatalf("got %d at byte %d, want %d", got.Pix[i], i, img.Pix[i])
		}
	}
}

func TestDrawOverCountsNaNs(t *testing.T) {
	got := swatch.Filled(1, 1, swatch.Orange)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	if nans := drawOver([]float32{nan, inf, -inf}, got, 0.5); nans != 1 {
		t.Errorf("got %d NaN values, want 1", nans)
	}
	if want := [4]uint8{100, 178, 20, 255}; [4]uint8(got.Pix) != want {
		t.Errorf("got %v, want %v", got.Pix, want)
	}
}

func BenchmarkPixelsIn(b *testing.B) {
	img, planes := image.NewRGBA(image.Rect(0, 0, 1024, 1024)), make([]float32, 3<<20)
	b.SetBytes(3 << 20)
	for b.Loop() {
		toPlanes(planes, img)
	}
}

func BenchmarkPixelsOut(b *testing.B) {
	img, planes := image.NewRGBA(image.Rect(0, 0, 1024, 1024)), make([]float32, 3<<20)
	for i := range planes {
		planes[i] = float32(i%256) / 255
	}
	b.SetBytes(3 << 20)
	for b.Loop() {
		drawOver(planes, img, 1)
	}
}

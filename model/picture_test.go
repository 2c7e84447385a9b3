package model

import (
	"image"
	"image/color"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
)

func TestShrink(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {3, 900}, {256, 256}, {300, 200}, {512, 512}, {2049, 1600}} {
		got := shrink(swatch.Filled(size.X, size.Y, swatch.Teal))
		if got.Rect != image.Rect(0, 0, StyleSide, StyleSide) {
			t.Errorf("got %v for %v, want a square of %d", got.Rect, size, StyleSide)
		}
		swatch.WantFilled(t, got, swatch.Teal)
	}
}

// TestShrinkTakesTheCentre checks that pixels outside of the central square have no effect.
func TestShrinkTakesTheCentre(t *testing.T) {
	for _, side := range []int{300, 1500} {
		wide := swatch.Filled(3*side, side, swatch.Orange)
		for y := range side {
			for x := side; x < 2*side; x++ {
				wide.SetRGBA(x, y, swatch.Teal)
			}
		}
		swatch.WantFilled(t, shrink(wide), swatch.Teal)
	}
}

// TestShrinkAverages checks antialiasing: without it, stripes of one pixel would remain stripes, or
// become one of the two colours.
func TestShrinkAverages(t *testing.T) {
	for _, side := range []int{1024, 3000} {
		stripes := swatch.Filled(side, side, color.RGBA{255, 255, 255, 255})
		for y := range side {
			for x := y % 2; x < side; x += 2 {
				stripes.SetRGBA(x, y, color.RGBA{0, 0, 0, 255})
			}
		}
		for _, p := range shrink(stripes).Pix {
			if p != 255 && (p < 115 || p > 140) {
				t.Fatalf("got %d from stripes of 0 and 255 at %d pixels, want about 128", p, side)
			}
		}
	}
}

func TestFingerprint(t *testing.T) {
	a := fingerprintOf(swatch.Filled(6, 4, swatch.Teal))
	if a != fingerprintOf(swatch.Filled(9, 9, swatch.Teal).SubImage(image.Rect(0, 0, 6, 4)).(*image.RGBA)) {
		t.Error("the same pixels with other padding have a different fingerprint")
	}
	if a == fingerprintOf(swatch.Filled(4, 6, swatch.Teal)) || a == fingerprintOf(swatch.Filled(6, 4, swatch.Orange)) {
		t.Error("different pictures have the same fingerprint")
	}
}

func BenchmarkShrink4096(b *testing.B) {
	img := swatch.Filled(4096, 4096, swatch.Teal)
	for b.Loop() {
		shrink(img)
	}
}

func BenchmarkShrink1024(b *testing.B) {
	img := swatch.Filled(1024, 1024, swatch.Teal)
	for b.Loop() {
		shrink(img)
	}
}

func BenchmarkFingerprint4096(b *testing.B) {
	img := swatch.Filled(4096, 4096, swatch.Teal)
	for b.Loop() {
		fingerprintOf(img)
	}
}

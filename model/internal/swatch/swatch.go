// Package swatch makes and checks pictures of one colour for the tests of package model and of its
// engines.
package swatch

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/atelier-go/atelier/pkg/style"
)

// Orange and Teal are two colours. Each has three different channels, so that exchanged channels
// are noticed.
var (
	Orange = color.RGBA{200, 100, 40, 255}
	Teal   = color.RGBA{10, 120, 130, 255}
)

// Filled returns a picture of one colour.
func Filled(w, h int, c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, c.A
	}
	return img
}

// WantFilled checks that all pixels of a picture have the same colour want, within a rounding error
// of 1.
func WantFilled(t testing.TB, img *image.RGBA, want color.RGBA) {
	t.Helper()
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if !WantAt(t, img, x, y, want) {
				return
			}
		}
	}
}

// WantAt checks that a pixel is opaque and has the colour want, within a rounding error of 1. It
// reports whether it does.
func WantAt(t testing.TB, img *image.RGBA, x, y int, want color.RGBA) bool {
	t.Helper()
	got := img.RGBAAt(x, y)
	off := func(a, b uint8) bool { return max(a, b)-min(a, b) > 1 }
	if off(got.R, want.R) || off(got.G, want.G) || off(got.B, want.B) || got.A != 255 {
		t.Errorf("got %v at (%d,%d), want %v", got, x, y, want)
		return false
	}
	return true
}

// MeanOf returns the mean colour of a named style's picture.
func MeanOf(t testing.TB, name string) (mean [3]float64) {
	t.Helper()
	b, err := style.Picture(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			for i, v := range []uint8{c.R, c.G, c.B} {
				mean[i] += float64(v)
			}
		}
	}
	for i := range mean {
		mean[i] /= float64(img.Bounds().Dx() * img.Bounds().Dy())
	}
	return mean
}

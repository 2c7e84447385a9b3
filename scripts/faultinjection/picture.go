//go:build linux

package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// A picture is one that is submitted.
type picture struct {
	file   []byte
	fails  string // the error code with which its jobs must fail; "": they must succeed
	sha256 string // of its result in an undisturbed run; "" before it is known
}

// painted encodes a small picture, whose colors are those that at returns.
func painted(at func(x, y int) color.Color) (*picture, error) {
	img := image.NewRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			img.Set(x, y, at(x, y))
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return &picture{file: b.Bytes()}, err
}

// pictures makes four pictures that differ.
func pictures() (all []*picture, err error) {
	for i := range 4 {
		p, err := painted(func(x, y int) color.Color {
			return color.RGBA{uint8(x * 5), uint8(y * 7), uint8(60 * i), 255} //nolint:gosec // small
		})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// colors are those at which testdata/hostile.c crashes, hangs or waits.
var colors = map[string]color.Color{
	"crash": color.RGBA{255, 0, 255, 255},
	"hang":  color.RGBA{0, 255, 255, 255},
	"slow":  color.RGBA{255, 255, 0, 255},
}

//go:build linux

package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
)

// styleName is a style of the catalogue.
const styleName = "mosaic"

// pictures are those of one job. They are small, because only names and calls are measured here.
type pictures struct {
	submitted, result, thumbnail []byte
	width, height                int
}

func newPictures() (p pictures, err error) {
	p.width, p.height = 48, 32
	img := image.NewRGBA(image.Rect(0, 0, p.width, p.height))
	for y := range p.height {
		for x := range p.width {
			img.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 7), 128, 255}) //nolint:gosec // small
		}
	}
	var submitted, result, thumbnail bytes.Buffer
	err = errors.Join(png.Encode(&submitted, img), jpeg.Encode(&result, img, nil), jpeg.Encode(&thumbnail, img, &jpeg.Options{Quality: 50}))
	p.submitted, p.result, p.thumbnail = submitted.Bytes(), result.Bytes(), thumbnail.Bytes()
	return p, err
}

package onnx

import (
	"image"

	"github.com/atelier-go/atelier/model/internal/pixel"
)

// toPlanes writes img into planes of red, green and blue, in 0..1. img's alpha is ignored.
func toPlanes(planes []float32, img *image.RGBA) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for y := range h {
		row := img.Pix[y*img.Stride:][:w*4]
		r, g, b := planeRows(planes, y, w, h)
		for x := range r {
			p := row[4*x : 4*x+3 : 4*x+3]
			r[x], g[x], b[x] = pixel.Unit[p[0]], pixel.Unit[p[1]], pixel.Unit[p[2]]
		}
	}
}

// drawOver blends the planes over dst, with a share of 0 to 1. nans is how many values were NaN.
func drawOver(planes []float32, dst *image.RGBA, share float32) (nans int) {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	blender := pixel.NewBlender(share)
	for y := range h {
		row := dst.Pix[y*dst.Stride:][:w*4]
		r, g, b := planeRows(planes, y, w, h)
		for x := range r {
			p := row[4*x : 4*x+4 : 4*x+4]
			p[0], p[1], p[2], p[3] = blender.Blend(p[0], r[x]), blender.Blend(p[1], g[x]), blender.Blend(p[2], b[x]), 255
		}
	}
	return blender.NaNs
}

// planeRows returns row y of the red, the green and the blue plane of a picture of w x h pixels.
func planeRows(planes []float32, y, w, h int) (r, g, b []float32) {
	at := func(c int) []float32 { return planes[(c*h+y)*w:][:w] }
	return at(0), at(1), at(2)
}

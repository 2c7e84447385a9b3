package imageio

import "image"

// onCanvas puts a frame at its place on a canvas that is transparent elsewhere.
// It returns img itself where that is all of the canvas.
func onCanvas(img image.Image, frame image.Rectangle, width, height int) (image.Image, error) {
	if b := img.Bounds(); b.Dx() != frame.Dx() || b.Dy() != frame.Dy() {
		return nil, damaged("a frame's header says %d x %d pixels, and there are %d x %d", frame.Dx(), frame.Dy(), b.Dx(), b.Dy())
	}
	if frame == image.Rect(0, 0, width, height) {
		return img, nil
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, width, height))
	read := reader(img)
	for y := range frame.Dy() {
		read(y, y+1, canvas.Pix[canvas.PixOffset(frame.Min.X, frame.Min.Y+y):][:4*frame.Dx()])
	}
	return canvas, nil
}

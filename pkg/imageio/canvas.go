package imageio

import "image"

// onCanvas places a frame on a canvas that is transparent elsewhere. It returns img itself if the
// frame covers the whole canvas.
func onCanvas(img image.Image, frame image.Rectangle, width, height int) (image.Image, error) {
	if b := img.Bounds(); b.Dx() != frame.Dx() || b.Dy() != frame.Dy() {
		return nil, damaged("a frame's header declares %d x %d pixels, and it has %d x %d", frame.Dx(), frame.Dy(), b.Dx(), b.Dy())
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

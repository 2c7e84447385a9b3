package imageio

import (
	"image"

	"github.com/kovidgoyal/imaging/nrgba"
)

// render converts a decoded image to this package's form in one pass and with one allocation:
// sRGB, opaque, upright. The result shares memory with src if src has this form already.
func render(src image.Image, orientation int, colors conversion) *image.RGBA {
	b := src.Bounds()
	width, height := b.Dx(), b.Dy()
	if img, ok := src.(*image.RGBA); ok && orientation == 1 && colors == nil &&
		b.Min == (image.Point{}) && img.Stride == 4*width && img.Opaque() {
		return img
	}

	upright := image.Rect(0, 0, width, height)
	if transposes(orientation) {
		upright = image.Rect(0, 0, height, width)
	}
	dst := image.NewRGBA(upright)
	place := placement(orientation, width, height)
	read := reader(src)

	// In strips, because a column of the source becomes a row of a rotated picture: sixteen
	// adjacent pixels fill a cache line where one would not.
	const strip = 16
	parallelRows((height+strip-1)/strip, func(from, to int) {
		buf := make([]byte, 4*width*strip)
		for s := from; s < to; s++ {
			y0, y1 := s*strip, min(s*strip+strip, height)
			pix := buf[:4*width*(y1-y0)]
			read(y0, y1, pix)
			switch {
			case colors != nil:
				colors(pix)
			case channelsOf(src) == 4:
				naiveCMYK(pix)
			}
			blendOnWhite(pix)
			place(dst.Pix, pix, y0, y1)
		}
	})
	return dst
}

// reader returns a function that reads the rows y0 to y1 of an image, counted from its top, as 4
// bytes a pixel: red, green, blue and alpha, not premultiplied, or the four inks. The function is
// safe for concurrent use.
func reader(src image.Image) func(y0, y1 int, pix []byte) {
	b := src.Bounds()
	if img, ok := src.(*image.CMYK); ok {
		return func(y0, y1 int, pix []byte) {
			n := 4 * b.Dx()
			for y := y0; y < y1; y++ {
				copy(pix[(y-y0)*n:], img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):][:n])
			}
		}
	}
	if img, ok := src.(*image.NYCbCrA); ok {
		// The library's scanner for this type gives a row the alpha of its first pixel.
		colors := nrgba.NewNRGBAScanner(&img.YCbCr)
		return func(y0, y1 int, pix []byte) {
			colors.Scan(0, y0, b.Dx(), y1, pix)
			for y := y0; y < y1; y++ {
				for x, a := range img.A[img.AOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
					pix[4*((y-y0)*b.Dx()+x)+3] = a
				}
			}
		}
	}
	scanner := nrgba.NewNRGBAScanner(src)
	return func(y0, y1 int, pix []byte) { scanner.Scan(0, y0, b.Dx(), y1, pix) }
}

// naiveCMYK converts inks to colours as if the inks were ideal, for pictures without a profile.
func naiveCMYK(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		k := 255 - uint32(p[3])
		for c := range 3 {
			p[c] = byte(((255-uint32(p[c]))*k + 127) / 255)
		}
		p[3] = 255
	}
}

// blendOnWhite composites pixels that are not premultiplied onto white.
func blendOnWhite(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		a := uint32(p[3])
		if a == 255 {
			continue
		}
		for c := range 3 {
			p[c] = byte((uint32(p[c])*a + 255*(255-a) + 127) / 255)
		}
		p[3] = 255
	}
}

// placement returns a function that writes the stored rows y0 to y1 to their place in the upright
// picture. The eight orientations are those of EXIF.
func placement(orientation, width, height int) func(dst, pix []byte, y0, y1 int) {
	// The stored pixel (x, y) goes to origin + x*right + y*down, in pixels.
	var origin, right, down int
	switch orientation {
	default:
		origin, right, down = 0, 1, width
	case 2: // mirrored
		origin, right, down = width-1, -1, width
	case 3: // upside down
		origin, right, down = width*height-1, -1, -width
	case 4: // upside down, mirrored
		origin, right, down = width*(height-1), 1, -width
	case 5: // transposed
		origin, right, down = 0, height, 1
	case 6: // rotate clockwise
		origin, right, down = height-1, height, -1
	case 7: // transposed the other way
		origin, right, down = width*height-1, -height, -1
	case 8: // rotate anticlockwise
		origin, right, down = height*(width-1), -height, 1
	}
	if orientation < 2 || orientation > 8 {
		return func(dst, pix []byte, y0, _ int) { copy(dst[4*width*y0:], pix) }
	}
	return func(dst, pix []byte, y0, y1 int) {
		for x := range width {
			at := 4 * (origin + x*right + y0*down)
			for from := 4 * x; from < len(pix); from += 4 * width {
				copy(dst[at:at+4], pix[from:from+4])
				at += 4 * down
			}
		}
	}
}

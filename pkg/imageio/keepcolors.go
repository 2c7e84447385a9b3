package imageio

import (
	"fmt"
	"image"
)

// KeepColors gives the painted picture the photo's colours, in place: each pixel keeps its luma
// (BT.601, as in JPEG) and takes the photo's chroma, so that the brush strokes stay and the palette
// is the photo's. If the sizes differ it returns an error and changes nothing. The photo is not
// changed; alpha becomes 255.
//
// If luma and chroma together are outside of RGB, the chroma is reduced until they fit, which keeps
// hue and luma. Clamping the channels instead would shift the hue (bright orange to yellow) and
// darken highlights.
func KeepColors(painted, photo *image.RGBA) error {
	width, height := painted.Rect.Dx(), painted.Rect.Dy()
	if photo.Rect.Dx() != width || photo.Rect.Dy() != height {
		return fmt.Errorf("keep colours: the picture is %d x %d and the photo %d x %d",
			width, height, photo.Rect.Dx(), photo.Rect.Dy())
	}
	parallelRows(height, func(from, to int) {
		for y := from; y < to; y++ {
			dst := painted.Pix[painted.PixOffset(painted.Rect.Min.X, painted.Rect.Min.Y+y):][:4*width]
			src := photo.Pix[photo.PixOffset(photo.Rect.Min.X, photo.Rect.Min.Y+y):][:4*width]
			for i := 0; i < len(dst); i += 4 {
				keepColor(dst[i:i+4:i+4], src[i:i+4:i+4])
			}
		}
	})
	return nil
}

// keepColor gives one pixel p the photo's colour. It computes with the differences between the
// channels and the luma, which are equivalent to Cb and Cr: the result is p's luma plus the photo's
// differences.
func keepColor(p, photo []byte) {
	y := luma(p)
	own := luma(photo)
	var diff [3]int32
	k := int32(one)
	for c := range diff {
		diff[c] = int32(photo[c])<<shift - own
		switch {
		case diff[c] > 0 && y+diff[c] > full:
			k = min(k, ratio(full-y, diff[c]))
		case diff[c] < 0 && y+diff[c] < 0:
			k = min(k, ratio(y, -diff[c]))
		}
	}
	for c := range diff {
		d := diff[c]
		if k < one {
			d = int32(int64(d) * int64(k) >> shift)
		}
		p[c] = byte(min(max(y+d+one/2, 0), full) >> shift)
	}
	p[3] = 255
}

// Channel values have 16 bits of fraction in these functions.
const (
	shift = 16
	one   = 1 << shift
	full  = 255 << shift
)

// luma returns 0.299 R + 0.587 G + 0.114 B. The weights add up to exactly one, so that the luma of
// a grey is the grey itself.
func luma(p []byte) int32 {
	return 19595*int32(p[0]) + 38470*int32(p[1]) + 7471*int32(p[2])
}

func ratio(a, b int32) int32 { return int32(int64(a) << shift / int64(b)) }

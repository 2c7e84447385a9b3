package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
)

// ThumbnailEdge is the longest edge of a thumbnail, in pixels.
const ThumbnailEdge = 400

// thumbnailQuality is low because artefacts are hardly visible at this size.
const thumbnailQuality = 80

// Thumbnail returns img, which must be opaque, as a JPEG file of at most
// [ThumbnailEdge] pixels on the longest side.
func Thumbnail(img *image.RGBA) ([]byte, error) {
	if width, height := img.Rect.Dx(), img.Rect.Dy(); max(width, height) > ThumbnailEdge && min(width, height) > 0 {
		w, h := Fitted(width, height, ThumbnailEdge)
		img = areaAverage(img, w, h)
	}
	var out bytes.Buffer
	if err := Encode(&out, img, "jpeg", thumbnailQuality); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// areaAverage shrinks img to w x h; each pixel of the result is the average of the area that it
// covers. It takes a third of the time of [Fit]; the loss of sharpness is not visible at this size.
func areaAverage(img *image.RGBA, w, h int) *image.RGBA {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	// The sums down the columns of img for a row of dst: red and blue as the halves of one word,
	// and green.
	sums := make([][2]uint64, width)
	area := uint64(width) * uint64(height)
	inverse := 1<<40/area + 1 // a division would take longer than all the rest
	for y := range h {
		clear(sums)
		eachCovered(y, height, h, func(row int, share uint64) {
			pix := img.Pix[row*img.Stride:][:4*width]
			for x := range sums {
				p := uint64(binary.LittleEndian.Uint32(pix[4*x:]))
				sums[x][0] += share * (p&0xff | p&0xff0000<<16)
				sums[x][1] += share * (p >> 8 & 0xff)
			}
		})
		out := dst.Pix[y*dst.Stride:][:4*w]
		for x := range w {
			r, g, b := area/2, area/2, area/2
			eachCovered(x, width, w, func(column int, share uint64) {
				sum := &sums[column]
				r += share * (sum[0] & 0xffffffff)
				g += share * sum[1]
				b += share * (sum[0] >> 32)
			})
			p := out[4*x:][:4:4]
			p[0], p[1], p[2], p[3] = byte(r*inverse>>40), byte(g*inverse>>40), byte(b*inverse>>40), 255
		}
	}
	return dst
}

// eachCovered calls f for each source pixel that one pixel of the result covers, in one dimension:
// a row of from source pixels is shrunk to a row of to pixels, and at is the pixel of the result.
// share is how much of the source pixel is covered; the shares of all calls add up to from.
func eachCovered(at, from, to int, f func(source int, share uint64)) {
	for s := at * from / to; s*to < (at+1)*from; s++ {
		f(s, uint64(min((s+1)*to, (at+1)*from)-max(s*to, at*from)))
	}
}

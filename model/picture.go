package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// StyleSide is the side, in pixels, of the square picture from which a style's vector is computed.
// Such networks are trained at this size. Engines refuse networks that have another fixed size.
const StyleSide = 256

// shrink returns the picture from which the vector is computed: the central square of img, scaled
// to 256x256 with antialiasing. Squeezing the whole picture into the square would show more of it,
// but would stretch its strokes, which make up the style, and the networks were trained with
// undistorted crops. The result may be img itself.
func shrink(img *image.RGBA) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	side := min(w, h)
	if w == StyleSide && h == StyleSide {
		return img
	}
	at := img.Rect.Min.Add(image.Pt((w-side)/2, (h-side)/2))
	square := image.Rectangle{at, at.Add(image.Pt(side, side))}
	if k := side / (2 * StyleSide); k > 1 {
		img, square = boxes(img, square, k)
	}
	out := image.NewRGBA(image.Rect(0, 0, StyleSide, StyleSide))
	draw.CatmullRom.Scale(out, out.Rect, img, square, draw.Src, nil)
	return out
}

// boxes averages blocks of k by k pixels into one pixel each. For a large picture, CatmullRom alone
// would take longer than the network, and needs 32 bytes for each pixel of 256 columns.
func boxes(img *image.RGBA, square image.Rectangle, k int) (*image.RGBA, image.Rectangle) {
	side := square.Dx() / k
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	sums := make([][3]uint32, side)
	area := uint32(k * k)
	for y := range side {
		clear(sums)
		for dy := range k {
			row := img.Pix[img.PixOffset(square.Min.X, square.Min.Y+y*k+dy):][:side*k*4]
			for x := range sums {
				s := &sums[x]
				for range k {
					s[0] += uint32(row[0])
					s[1] += uint32(row[1])
					s[2] += uint32(row[2])
					row = row[4:]
				}
			}
		}
		line := out.Pix[y*out.Stride:]
		for x, s := range sums {
			for c := range 3 {
				line[4*x+c] = uint8((s[c] + area/2) / area)
			}
			line[4*x+3] = 255
		}
	}
	return out, out.Rect
}

// decode decodes a picture of the catalogue of styles.
func decode(b []byte) (*image.RGBA, error) {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out, nil
}

// A fingerprint identifies a picture: a hash of its size and pixels.
type fingerprint [sha256.Size]byte

func fingerprintOf(img *image.RGBA) (f fingerprint) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	hash := sha256.New()
	hash.Write(binary.BigEndian.AppendUint64(nil, uint64(w)<<32|uint64(h)))
	for y := range h {
		hash.Write(img.Pix[y*img.Stride:][:w*4])
	}
	hash.Sum(f[:0])
	return f
}

package imageio

import (
	"bytes"
	"image"
	"testing"
)

// Bombs returns small files that declare far more than they have, by name.
func Bombs(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	for _, b := range bombs(t) {
		all[b.name] = b.data
	}
	for name, profile := range profileBombs() {
		all["profile, "+name] = pictureWith(t, profile)
	}
	return all
}

// Costly returns valid pictures that take the most memory and time for each pixel.
func Costly(t testing.TB) map[string][]byte {
	const side = 3000
	blocks := (side + 7) / 8 * ((side + 7) / 8)
	deep := image.NewNRGBA64(image.Rect(0, 0, side, side))
	for i := range deep.Pix {
		deep.Pix[i] = byte(i * 7)
	}
	inks := func(marker byte, scans ...[]byte) []byte {
		return withSegments(flatJPEG(side, side, marker, []byte{0x11, 0x11, 0x11, 0x11}, scans...), segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00")))
	}
	first := [][]byte{segment(0xda, []byte{4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0}), make([]byte, 4*blocks/8+1)}
	more := first
	for range maxScans - 1 {
		more = append(more, segment(0xda, []byte{1, 1, 0, 0, 0, 0x01}), make([]byte, blocks/8+1))
	}
	return map[string][]byte{
		"jpeg progressive CMYK":               inks(0xc2, first...),
		"jpeg progressive CMYK of many scans": inks(0xc2, more...),
		"jpeg progressive CMYK with a table":  withSegments(inks(0xc2, first...), iccSegments(largeTable(4), 64)),
		"png 16 bits":                         toPNG(t, deep),
		"png 16 bits interlaced":              pngFile(pngHeader(side, side, 16, 6, 1), pngChunk("IDAT", deflate(bytes.Repeat([]byte{1, 2, 3, 4, 5}, (8*side*side+side*20/8)/5)))),
		"webp lossless":                       toWebP(t, photo(side, side), true),
		"gif interlaced in a canvas":          gifFileOf(side+1, side+1, gifFrame(1, 1, side, side, 0x40, packLZW(make([]byte, side*side)))),
	}
}

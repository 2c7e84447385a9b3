package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"math"

	"golang.org/x/image/webp"
)

// A webpFile describes a WebP file: its header, and where its first frame is.
type webpFile struct {
	header
	frame image.Rectangle // on the canvas, all of it unless the file is animated
	// alpha and pixels are the data of the frame's chunks: ALPH, nil if there is none, and
	// VP8 or VP8L.
	alpha, pixels []byte
	lossless      bool
}

func parseWebP(data []byte) (header, error) {
	f, err := walkWebP(data)
	f.cost, f.extra = f.costs()
	return f.header, err
}

// costs returns the values of [header].cost and extra: they include the result, the decoder's own
// picture, the whole canvas if the frame doesn't fill it, and tables.
func (f *webpFile) costs() (cost, extra int64) {
	const (
		rgba, chroma = 4, 2 // bytes a pixel; YCbCr takes 1.5
		alpha        = 5    // 1, and 4 because it may be compressed as a lossless picture
		transforms   = 1    // of a lossless picture
		// The decoder refuses more sets of Huffman tables than libwebp writes. It keeps
		// those that a tile of the picture refers to; a tile has at least 4 x 4 pixels.
		tableSets, tableSet = 2600, 56 << 10
	)
	tables := tableSet * min(tableSets, (int64(f.frame.Dx())+3)/4*((int64(f.frame.Dy())+3)/4))
	cost = rgba
	switch {
	case f.lossless:
		cost, extra = cost+rgba+transforms, tables
	case len(f.alpha) > 0:
		cost, extra = cost+chroma+alpha, tables
	default:
		cost += chroma
	}
	if f.frame.Dx() != f.width || f.frame.Dy() != f.height {
		cost += rgba
	}
	return cost, extra
}

// walkWebP parses all chunks, because the orientation comes after the picture. Of an animation it
// parses the first frame only and skips the others.
func walkWebP(data []byte) (webpFile, error) {
	f := webpFile{header: header{orientation: 1}}
	if len(data) < 12 {
		return f, damaged("the WebP file ends before the picture does")
	}
	size := int(binary.LittleEndian.Uint32(data[4:]))
	rest := data[12:max(12, min(len(data), 8+size))]

	kind, chunk, ok := cutRIFF(&rest)
	if kind != "VP8X" {
		if err := f.readPicture(kind, chunk); err != nil {
			return f, err
		}
		f.width, f.height = f.frame.Dx(), f.frame.Dy()
		if !ok || 8+size > len(data) {
			return f, damaged("the WebP file ends before the picture does")
		}
		return f, f.checkSize()
	}
	if len(chunk) < 10 {
		return f, damaged("the WebP file's header is too short")
	}
	f.width, f.height = 1+le24(chunk[4:]), 1+le24(chunk[7:])
	if err := f.walkExtended(rest); err != nil {
		return f, err
	}
	if 8+size > len(data) {
		return f, damaged("the WebP file ends before the picture does")
	}
	return f, f.checkSize()
}

// walkExtended parses the chunks of an extended file. It ignores the header's flags about which
// chunks exist.
func (f *webpFile) walkExtended(rest []byte) error {
	var exif []byte
	for len(rest) > 0 {
		kind, chunk, ok := cutRIFF(&rest)
		if !ok {
			return damaged("the WebP file ends before the picture does")
		}
		switch kind {
		case "VP8X":
			return damaged("the WebP file has two headers")
		case "ICCP":
			if f.profile == nil {
				f.profile = func() []byte { return chunk }
			}
		case "EXIF":
			if exif == nil {
				// Some programs write the prefix that the block has in a JPEG file.
				exif = bytes.TrimPrefix(chunk, []byte("Exif\x00\x00"))
			}
		case "ANMF":
			if err := f.readAnimationFrame(chunk); err != nil {
				return err
			}
		case "ALPH":
			if f.pixels == nil {
				f.alpha = chunk
			}
		case "VP8 ", "VP8L":
			if f.pixels != nil {
				continue
			}
			if err := f.readPicture(kind, chunk); err != nil {
				return err
			}
			if f.frame.Dx() != f.width || f.frame.Dy() != f.height {
				return damaged("the WebP file declares a size of %d x %d pixels, and its picture is %d x %d",
					f.width, f.height, f.frame.Dx(), f.frame.Dy())
			}
		}
	}
	f.orientation = orientationOf(exif)
	return nil
}

// readAnimationFrame parses the first frame of an animation and ignores later ones.
func (f *webpFile) readAnimationFrame(frame []byte) error {
	if f.pixels != nil {
		return nil
	}
	if len(frame) < 16 {
		return damaged("a frame of the WebP file has no header")
	}
	// The position is in units of two pixels.
	at, width, height := image.Pt(2*le24(frame), 2*le24(frame[3:])), 1+le24(frame[6:]), 1+le24(frame[9:])
	f.alpha = nil
	for rest := frame[16:]; f.pixels == nil; {
		kind, chunk, ok := cutRIFF(&rest)
		if !ok {
			return damaged("the first frame of the WebP file has no picture in it")
		}
		switch kind {
		case "ALPH":
			f.alpha = chunk
		case "VP8 ", "VP8L":
			if err := f.readPicture(kind, chunk); err != nil {
				return err
			}
		}
	}
	if f.frame.Dx() != width || f.frame.Dy() != height {
		return damaged("a frame of the WebP file declares a size of %d x %d pixels, and its picture is %d x %d",
			width, height, f.frame.Dx(), f.frame.Dy())
	}
	f.frame = f.frame.Add(at)
	if !f.frame.In(image.Rect(0, 0, f.width, f.height)) {
		return damaged("a frame of the WebP file reaches beyond the picture")
	}
	return nil
}

// readPicture parses the header of compressed pixels, which may be truncated.
func (f *webpFile) readPicture(kind string, chunk []byte) error {
	const cut = "the WebP file ends before the picture does"
	var width, height int
	switch kind {
	case "VP8 ":
		if len(chunk) < 10 {
			return damaged(cut)
		}
		if tag := le24(chunk); tag&1 != 0 || tag>>1&7 > 3 || tag>>4&1 == 0 || string(chunk[3:6]) != "\x9d\x01\x2a" {
			return damaged("the WebP file's picture has no valid header")
		}
		const sizeMask = 1<<14 - 1 // the two bits above are a scaling hint, which decoders ignore
		width, height = int(binary.LittleEndian.Uint16(chunk[6:]))&sizeMask, int(binary.LittleEndian.Uint16(chunk[8:]))&sizeMask
	case "VP8L":
		if len(chunk) < 5 {
			return damaged(cut)
		}
		b := binary.LittleEndian.Uint32(chunk[1:])
		if chunk[0] != 0x2f || b>>29 != 0 {
			return damaged("the WebP file's picture has no valid header")
		}
		width, height = 1+int(b&(1<<14-1)), 1+int(b>>14&(1<<14-1))
		f.lossless, f.alpha = true, nil // lossless pixels include alpha
	case "":
		return damaged(cut)
	default:
		return damaged("the WebP file doesn't begin with its header")
	}
	if width == 0 || height == 0 {
		return damaged("the WebP file declares a size of %d x %d pixels", width, height)
	}
	f.frame, f.pixels = image.Rect(0, 0, width, height), chunk
	return nil
}

// checkSize refuses files that have too few bytes for their pixels. Lossless files have no lower
// bound, because a single colour takes no bits, however many pixels it covers.
func (f *webpFile) checkSize() error {
	width, height := f.frame.Dx(), f.frame.Dy()
	switch {
	case f.pixels == nil:
		return damaged("the WebP file has no picture in it")
	case !f.lossless && int64(width)*int64(height)/256 > 8*int64(len(f.pixels)):
		// A block of 16 x 16 takes at least one bit.
		return damaged("the WebP file holds too little data for %d x %d pixels", width, height)
	}
	return nil
}

// cutRIFF removes the next chunk from rest and returns its kind and its data. ok is false if the
// chunk is truncated; data is then what exists of it, and kind is empty if the header is incomplete.
func cutRIFF(rest *[]byte) (kind string, data []byte, ok bool) {
	b := *rest
	if len(b) < 8 {
		*rest = nil
		return "", nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(b[4:]))
	if n > uint64(len(b)-8) {
		*rest = nil
		return riffKind(b), b[8:], false
	}
	end := 8 + int(n)
	*rest = b[min(end+end&1, len(b)):] // some files lack the last chunk's padding
	return riffKind(b), b[8:end], true
}

// riffKind returns a chunk's kind without allocating, for files with millions of chunks.
func riffKind(chunk []byte) string {
	for _, kind := range [...]string{"VP8 ", "VP8L", "VP8X", "ALPH", "ANMF", "ICCP", "EXIF"} {
		if string(chunk[:4]) == kind {
			return kind
		}
	}
	return "another"
}

func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// decodeWebP decodes the first frame and places it on the canvas.
//
// golang.org/x/image/webp decodes, not gen2brain/webp, which encodes: for 12 megapixels the former
// takes 0.21 s and 18 MB (lossless 0.26 s, 46 MB), the latter 0.24 to 0.28 s and 68 MB (lossless
// 0.44 s, 174 MB) with chroma at half the resolution even for lossless files, after 0.2 s to start.
func decodeWebP(data []byte, h header) (image.Image, error) {
	f, err := walkWebP(data)
	if err != nil {
		return nil, err
	}
	img, err := webp.Decode(f.firstFrameFile())
	if err != nil {
		return nil, err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		widenRange(img)
	case *image.NYCbCrA:
		widenRange(&img.YCbCr)
	}
	return onCanvas(img, f.frame, h.width, h.height)
}

// firstFrameFile returns a WebP file that has only the first frame, because the decoder does not
// support animations.
func (f *webpFile) firstFrameFile() io.Reader {
	var parts []io.Reader
	size := 4
	add := func(kind string, data []byte) {
		n := len(data)
		parts = append(parts, bytes.NewReader(riffHeader(kind, n)), bytes.NewReader(data), bytes.NewReader(make([]byte, n&1)))
		size += 8 + n + n&1
	}
	switch {
	case f.lossless:
		add("VP8L", f.pixels)
	case f.alpha != nil:
		const hasAlpha = 1 << 4
		w, h := f.frame.Dx()-1, f.frame.Dy()-1
		add("VP8X", []byte{hasAlpha, 0, 0, 0, byte(w), byte(w >> 8), 0, byte(h), byte(h >> 8), 0})
		add("ALPH", f.alpha)
		fallthrough
	default:
		add("VP8 ", f.pixels)
	}
	head := append(riffHeader("RIFF", size), "WEBP"...)
	return io.MultiReader(append([]io.Reader{bytes.NewReader(head)}, parts...)...)
}

func riffHeader(kind string, n int) []byte {
	return binary.LittleEndian.AppendUint32([]byte(kind), uint32(n))
}

// widenRange stretches VP8's range (luma 16 to 235, chroma 16 to 240) to the full range of Go's
// YCbCr. The decoder doesn't do it; without it, black would be dark grey and all colours pale.
func widenRange(img *image.YCbCr) {
	var luma, chroma [256]byte
	for v := range 256 {
		luma[v] = uint8(min(max(math.Round(float64(v-16)*255/219), 0), 255))
		chroma[v] = uint8(min(max(math.Round(float64(v-128)*255/224)+128, 0), 255))
	}
	for _, p := range []struct {
		plane []byte
		table *[256]byte
	}{{img.Y, &luma}, {img.Cb, &chroma}, {img.Cr, &chroma}} {
		for i, v := range p.plane {
			p.plane[i] = p.table[v]
		}
	}
}

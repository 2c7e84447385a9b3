package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"math"

	"golang.org/x/image/webp"
)

// webpFile is what a walk over a WebP file finds: its header, and where its first
// frame stands.
type webpFile struct {
	header
	frame image.Rectangle // on the canvas, all of it unless the file is animated
	// alpha and pixels are the data of the frame's chunks: ALPH, nil where there
	// is none, and VP8 or VP8L.
	alpha, pixels []byte
	lossless      bool
}

func parseWebP(data []byte) (header, error) {
	f, err := walkWebP(data)
	f.cost, f.extra = f.costs()
	return f.header, err
}

// costs are [header].cost and extra: the result, the decoder's own picture, and
// the canvas where the frame is not all of it.
func (f *webpFile) costs() (cost, extra int64) {
	const (
		rgba, chroma = 4, 2 // bytes a pixel: of YCbCr 1.5
		alpha        = 5    // 1 once, and 4 as a lossless picture, which it may be packed as
		transforms   = 1    // of a lossless picture
		// The decoder refuses more sets of Huffman tables than libwebp writes, keeps
		// those that a tile of the picture refers to, and a tile has 4 x 4 pixels or more.
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

// walkWebP goes over all chunks, since orientation comes after the picture. Of an
// animation it looks into the first frame only, and hops over the others.
func walkWebP(data []byte) (webpFile, error) {
	f := webpFile{header: header{orientation: 1}}
	if len(data) < 12 {
		return f, damaged("the WebP file ends before the picture does")
	}
	size := int(binary.LittleEndian.Uint32(data[4:]))
	rest := data[12:max(12, min(len(data), 8+size))]

	kind, chunk, ok := cutRIFF(&rest)
	if kind != "VP8X" {
		if err := f.take(kind, chunk); err != nil {
			return f, err
		}
		f.width, f.height = f.frame.Dx(), f.frame.Dy()
		if !ok || 8+size > len(data) {
			return f, damaged("the WebP file ends before the picture does")
		}
		return f, f.enough()
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
	return f, f.enough()
}

// walkExtended walks the chunks of a file that has more than a picture in it.
// Which chunk is there counts, and not what the header's flags say of it.
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
				// Some write the marker with which the block begins in a JPEG file.
				exif = bytes.TrimPrefix(chunk, []byte("Exif\x00\x00"))
			}
		case "ANMF":
			if err := f.takeAnimated(chunk); err != nil {
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
			if err := f.take(kind, chunk); err != nil {
				return err
			}
			if f.frame.Dx() != f.width || f.frame.Dy() != f.height {
				return damaged("the WebP file says that it is %d x %d pixels, and its picture is %d x %d",
					f.width, f.height, f.frame.Dx(), f.frame.Dy())
			}
		}
	}
	f.orientation = orientationOf(exif)
	return nil
}

// takeAnimated takes a frame of an animation, if it is the first.
func (f *webpFile) takeAnimated(frame []byte) error {
	if f.pixels != nil {
		return nil
	}
	if len(frame) < 16 {
		return damaged("a frame of the WebP file has no header")
	}
	// The position counts in steps of two pixels.
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
			if err := f.take(kind, chunk); err != nil {
				return err
			}
		}
	}
	if f.frame.Dx() != width || f.frame.Dy() != height {
		return damaged("a frame of the WebP file says that it is %d x %d pixels, and its picture is %d x %d",
			width, height, f.frame.Dx(), f.frame.Dy())
	}
	f.frame = f.frame.Add(at)
	if !f.frame.In(image.Rect(0, 0, f.width, f.height)) {
		return damaged("a frame of the WebP file reaches beyond the picture")
	}
	return nil
}

// take reads the header of compressed pixels, of which the file may be cut short.
func (f *webpFile) take(kind string, chunk []byte) error {
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
		const sizeMask = 1<<14 - 1 // the two bits above it are about scaling, and nobody heeds them
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
		f.lossless, f.alpha = true, nil // it has an alpha channel of its own
	case "":
		return damaged(cut)
	default:
		return damaged("the WebP file doesn't begin with its header")
	}
	if width == 0 || height == 0 {
		return damaged("the WebP file says that it is %d x %d pixels", width, height)
	}
	f.frame, f.pixels = image.Rect(0, 0, width, height), chunk
	return nil
}

// enough refuses files that can't hold the picture. Of lossless ones nothing can
// be said: one colour takes no bits, however often it comes.
func (f *webpFile) enough() error {
	width, height := f.frame.Dx(), f.frame.Dy()
	switch {
	case f.pixels == nil:
		return damaged("the WebP file has no picture in it")
	case !f.lossless && int64(width)*int64(height)/256 > 8*int64(len(f.pixels)):
		// A block of 16 x 16 takes more than a bit.
		return damaged("the WebP file holds too little data for %d x %d pixels", width, height)
	}
	return nil
}

// cutRIFF takes the next chunk off rest: its kind and its data, which is what is
// left where ok is false, and kind is empty where there is not even a header.
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
	*rest = b[min(end+end&1, len(b)):] // the last one's padding is missing in some
	return riffKind(b), b[8:end], true
}

// riffKind names a chunk without allocating, for files of millions of them.
func riffKind(chunk []byte) string {
	for _, kind := range [...]string{"VP8 ", "VP8L", "VP8X", "ALPH", "ANMF", "ICCP", "EXIF"} {
		if string(chunk[:4]) == kind {
			return kind
		}
	}
	return "another"
}

func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// decodeWebP decodes the first frame, at its place on the canvas.
//
// golang.org/x/image/webp decodes, and not gen2brain/webp, although that one is
// needed to encode: for 12 megapixels the former takes 0.21 s and 18 MB (lossless
// 0.26 s, 46 MB), the latter 0.24 to 0.28 s and 68 MB (lossless 0.44 s, 174 MB) with
// chroma at half the resolution even for lossless files, after 0.2 s to start.
func decodeWebP(data []byte, h header) (image.Image, error) {
	f, err := walkWebP(data)
	if err != nil {
		return nil, err
	}
	img, err := webp.Decode(f.frameAlone())
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

// frameAlone reads as a WebP file of nothing but the frame, since the decoder knows
// no animations.
func (f *webpFile) frameAlone() io.Reader {
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

// widenRange stretches luma of 16 to 235 and chroma of 16 to 240, which is what
// VP8 has, to the full range that Go's YCbCr stands for. The decoder leaves that
// out, so that black would come out as dark grey and all colours pale.
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

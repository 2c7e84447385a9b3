package imageio

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"io"
)

const (
	pngSignature = "\x89PNG\r\n\x1a\n"
	deflateMax   = 1032 // the largest ratio of Deflate
)

// parsePNG parses the chunks up to IEND and verifies the checksums of those that the pixels need.
// It decompresses nothing: compressed texts and profiles of gigabytes are skipped like any other
// chunk, and so are the frames of an animated PNG.
func parsePNG(data []byte) (header, error) {
	h := header{orientation: 1}
	if !bytes.HasPrefix(data, []byte(pngSignature)) {
		return h, damaged("the PNG file's first bytes were changed, as a transfer as text does")
	}
	var (
		packed  int64 // bytes of compressed pixels
		raw     int64 // bytes of pixels, decompressed
		palette bool  // required, and not found yet
		exif    []byte
	)
	rest, first := data[len(pngSignature):], true
	for ended := false; !ended; first = false {
		kind, chunk, whole, ok := cutChunk(&rest)
		if !ok {
			return h, damaged("the PNG file ends before the picture does")
		}
		if neededForPixels(kind) && !checksumOK(whole) {
			return h, damaged("a checksum in the PNG file is wrong (in %s)", kind)
		}
		// A switch over string(kind) doesn't allocate a string.
		switch string(kind) {
		case "IHDR":
			if !first {
				return h, damaged("the PNG file has two headers")
			}
			var err error
			if raw, palette, err = parseIHDR(chunk, &h); err != nil {
				return h, err
			}
			continue
		case "CgBI":
			return h, unsupported("a PNG file in Apple's variant for applications")
		case "PLTE":
			palette = false
		case "IDAT":
			if palette {
				return h, damaged("the PNG file has no palette for its colours")
			}
			packed += int64(len(chunk))
		case "eXIf":
			if exif == nil {
				exif = chunk
			}
		case "iCCP":
			if h.profile == nil {
				h.profile = func() []byte { return unpackICCP(chunk) }
				h.extra = min(maxProfile, deflateMax*int64(len(chunk)))
			}
		case "IEND":
			ended = true
		}
		if first {
			return h, damaged("the PNG file doesn't begin with its header")
		}
	}
	if packed == 0 || raw > packed*deflateMax {
		return h, damaged("the PNG file holds too little data for %d x %d pixels", h.width, h.height)
	}
	h.orientation = orientationOf(exif)
	return h, nil
}

// cutChunk removes the next chunk from rest and returns its kind, its data, and the whole chunk.
func cutChunk(rest *[]byte) (kind, data, whole []byte, ok bool) {
	const around = 12 // length, kind, checksum
	b := *rest
	if len(b) < around {
		return nil, nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-around) {
		return nil, nil, nil, false
	}
	end := around + int(n)
	*rest = b[end:]
	return b[4:8], b[8 : end-4], b[:end], true
}

// neededForPixels reports whether image/png needs chunks of this kind.
func neededForPixels(kind []byte) bool {
	switch string(kind) {
	case "IHDR", "PLTE", "tRNS", "IDAT", "IEND":
		return true
	}
	return false
}

func checksumOK(chunk []byte) bool {
	end := len(chunk) - 4
	return crc32.ChecksumIEEE(chunk[4:end]) == binary.BigEndian.Uint32(chunk[end:])
}

// pixelChunks reads a PNG file that parsePNG accepted, without the chunks that the pixels don't
// need. image/png skips those too, but with 4 KB of garbage for each (7 GB for a file of 20 MB),
// and it refuses the picture if a comment is damaged.
type pixelChunks struct {
	rest    []byte // of the file, from the next chunk on
	current []byte // the unread part of the current chunk
}

func (p *pixelChunks) Read(b []byte) (int, error) {
	for len(p.current) == 0 {
		kind, _, whole, ok := cutChunk(&p.rest)
		if !ok {
			return 0, io.EOF
		}
		if neededForPixels(kind) {
			p.current = whole
		}
	}
	n := copy(b, p.current)
	p.current = p.current[n:]
	return n, nil
}

func decodePNG(data []byte, _ header) (image.Image, error) {
	n := len(pngSignature)
	return png.Decode(&pixelChunks{rest: data[n:], current: data[:n]})
}

// parseIHDR parses the header. It returns the minimum number of bytes of the decompressed pixels.
func parseIHDR(chunk []byte, h *header) (raw int64, indexed bool, err error) {
	if len(chunk) != 13 {
		return 0, false, damaged("the PNG file's header has the wrong length")
	}
	width, height := binary.BigEndian.Uint32(chunk), binary.BigEndian.Uint32(chunk[4:])
	if width == 0 || height == 0 || width > 1<<31-1 || height > 1<<31-1 {
		return 0, false, damaged("the PNG file declares a size of %d x %d pixels", width, height)
	}
	depth, kind := int(chunk[8]), chunk[9]
	channels := 0
	switch kind {
	case 0, 3: // grey, indexed
		if depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16 && kind == 0 {
			channels = 1
		}
	case 2, 4, 6: // colour, grey and alpha, colour and alpha
		if depth == 8 || depth == 16 {
			channels = map[byte]int{2: 3, 4: 2, 6: 4}[kind]
		}
	}
	if channels == 0 {
		return 0, false, damaged("the PNG file declares %d bits for colour type %d", depth, kind)
	}
	if chunk[10] != 0 || chunk[11] != 0 || chunk[12] > 1 {
		return 0, false, unsupported("a PNG file with a nonstandard compression, filter or interlace method")
	}
	h.width, h.height = int(width), int(height)
	// The result, the decoder's own picture, and for an interlaced file its largest pass.
	pixel := int64(4)
	if depth == 16 {
		pixel = 8
	}
	h.cost = 4 + pixel
	if interlaced := chunk[12] == 1; interlaced {
		h.cost += pixel
	}
	rowBits := int64(width) * int64(channels*depth) // below 2^37, times height below 2^68
	if rowBits/8 > (1<<62)/int64(height) {
		return 1 << 62, kind == 3, nil
	}
	return rowBits / 8 * int64(height), kind == 3, nil
}

// maxProfile is the largest colour profile that is used, in bytes; larger ones are ignored.
// Profiles of screens have some hundred bytes to a few kilobytes, those of printing presses up to
// three megabytes.
const maxProfile = 4 << 20

// unpackICCP returns the colour profile in an iCCP chunk, which consists of a name, a zero, a
// method, and a zlib stream. It decompresses as many bytes as the profile declares, and returns nil
// if there are fewer of them or if they are more than maxProfile.
func unpackICCP(chunk []byte) []byte {
	_, rest, ok := bytes.Cut(chunk, []byte{0})
	if !ok || len(rest) < 1 || rest[0] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(rest[1:]))
	if err != nil {
		return nil
	}
	defer z.Close()
	var size [4]byte
	if _, err := io.ReadFull(z, size[:]); err != nil {
		return nil
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n < int64(len(size)) || n > maxProfile || n > deflateMax*int64(len(chunk)) {
		return nil
	}
	profile := make([]byte, n)
	copy(profile, size[:])
	if _, err := io.ReadFull(z, profile[len(size):]); err != nil {
		return nil
	}
	return profile
}

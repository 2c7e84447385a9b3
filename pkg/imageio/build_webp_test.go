package imageio

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"testing"

	"github.com/gen2brain/webp"
)

// Builders of WebP and GIF files. See build_test.go for the other formats.

func chunkLE24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }
func chunkLE16(v int) []byte { return []byte{byte(v), byte(v >> 8)} }

func riffChunk(kind string, data []byte) []byte {
	head := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data)))
	return join(head, data, make([]byte, len(data)&1))
}

func riffFile(chunks ...[]byte) []byte {
	body := join(append([][]byte{[]byte("WEBP")}, chunks...)...)
	return join([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body)
}

func extended(flags byte, width, height int) []byte {
	return riffChunk("VP8X", join([]byte{flags, 0, 0, 0}, chunkLE24(width-1), chunkLE24(height-1)))
}

// animatedFrame returns a frame at position (2x, 2y).
func animatedFrame(x, y, width, height int, chunks ...[]byte) []byte {
	return riffChunk("ANMF", join(chunkLE24(x), chunkLE24(y), chunkLE24(width-1), chunkLE24(height-1), make([]byte, 4), join(chunks...)))
}

// vp8Header returns a picture that ends after its header.
func vp8Header(width, height int) []byte {
	return riffChunk("VP8 ", join([]byte{0x10, 0, 0, 0x9d, 1, 0x2a}, chunkLE16(width), chunkLE16(height)))
}

// vp8lPicture returns a lossless picture of these bits.
func vp8lPicture(width, height int, bits *bitWriter) []byte {
	return riffChunk("VP8L", join([]byte{0x2f}, binary.LittleEndian.AppendUint32(nil, uint32(width-1|(height-1)<<14)), bits.bytes))
}

// bitWriter writes bits, the least significant bit of a byte first.
type bitWriter struct {
	bytes []byte
	n     int
}

func (w *bitWriter) bits(v, n int) *bitWriter {
	for i := range n {
		if w.n%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
	return w
}

// oneColor writes an image of a single colour, whose pixels take no bits: no colour cache, and five
// codes of one symbol each.
func (w *bitWriter) oneColor(green, red, blue, alpha int) *bitWriter {
	w.bits(0, 1)
	return w.codes(green, red, blue, alpha)
}

func (w *bitWriter) codes(green, red, blue, alpha int) *bitWriter {
	for _, symbol := range []int{green, red, blue, alpha, 0} {
		w.bits(1, 1).bits(0, 1).bits(1, 1).bits(symbol, 8)
	}
	return w
}

// flatVP8L returns a lossless picture of one colour.
func flatVP8L(width, height int) []byte {
	// No transform, no cache, no further tables.
	return vp8lPicture(width, height, new(bitWriter).bits(0, 3).codes(10, 20, 30, 255))
}

// manyTables returns a lossless picture that declares 65536 sets of tables.
func manyTables(width, height int) []byte {
	return vp8lPicture(width, height, new(bitWriter).bits(0, 2).bits(1, 1).bits(0, 3).oneColor(255, 255, 0, 255))
}

// maxTableSets is the largest number of sets of tables that golang.org/x/image decodes.
const maxTableSets = 2600

// largeTables returns a lossless picture with the given number of sets of the largest possible
// tables, each referred to if there are enough pixels, and truncated after the tables.
func largeTables(width, height, groups int) []byte {
	w := new(bitWriter).bits(0, 1)
	w.bits(1, 1).bits(11, 4).bits(1, 1).bits(0, 3).bits(0, 1)
	for range 2 { // green and red: 256 symbols of 8 bits, and so the symbol is its code
		w.lengthCode([19]int{8: 1, 16: 1}, 44)
		w.repeated(256, 0, 1, 1, 1)
	}
	for range 3 {
		w.bits(1, 1).bits(0, 1).bits(1, 1).bits(0, 8)
	}
	for tile := range (width + 3) / 4 * ((height + 3) / 4) {
		// Starts with the last one, because it determines the number of sets.
		set := groups - 1 - tile%groups
		w.code(set&255, 8).code(set>>8, 8)
	}
	for range groups {
		// 2048 colours in the cache: 1768 symbols of 11 bits and 560 of 12.
		w.lengthCode([19]int{16: 1, 11: 2, 12: 2}, 0)
		w.repeated(1768, 0b01, 2, 0, 1).repeated(560, 0b11, 2, 0, 1)
		for range 3 { // 256 symbols of 8 bits
			w.lengthCode([19]int{8: 1, 16: 1}, 0)
			w.repeated(256, 0, 1, 1, 1)
		}
		w.bits(1, 1).bits(0, 1).bits(1, 1).bits(0, 8)
	}
	return vp8lPicture(width, height, w)
}

// code writes a prefix code, the most significant bit first.
func (w *bitWriter) code(v, n int) *bitWriter {
	for i := range n {
		w.bits(v>>(n-1-i)&1, 1)
	}
	return w
}

// lengthCode writes the code for the code lengths, of which the longest is 12 bits, and the number
// of its symbols that follow: 0 means until each symbol of the alphabet has a length.
func (w *bitWriter) lengthCode(lengths [19]int, count int) *bitWriter {
	w.bits(0, 1).bits(16-4, 4)
	for _, n := range [16]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12} {
		w.bits(lengths[n], 3)
	}
	if count == 0 {
		return w.bits(0, 1)
	}
	return w.bits(1, 1).bits(2, 3).bits(count-2, 6)
}

// repeated writes the code of a length once and then the code for its repetition.
func (w *bitWriter) repeated(times, code, bits, again, bitsAgain int) *bitWriter {
	w.bits(code, bits)
	for left := times - 1; left > 0; {
		if left < 3 {
			w.bits(code, bits)
			left--
			continue
		}
		n := min(left, 6)
		w.bits(again, bitsAgain).bits(n-3, 2)
		left -= n
	}
	return w
}

// toWebP encodes with the library: with alpha, and lossless if requested.
func toWebP(t testing.TB, img image.Image, lossless bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := webp.Encode(&b, img, webp.Options{Quality: 95, Method: 2, Lossless: lossless, Exact: true}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// webpWith converts a simple file to an extended one.
func webpWith(t testing.TB, file, profile, exif []byte) []byte {
	t.Helper()
	info, err := Inspect(file, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	picture := file[12:]
	if bytes.HasPrefix(picture, []byte("VP8X")) {
		picture = picture[18:] // its chunks, including alpha
	}
	chunks := [][]byte{extended(0x3c, info.Width, info.Height)}
	if profile != nil {
		chunks = append(chunks, riffChunk("ICCP", profile))
	}
	chunks = append(chunks, picture)
	if exif != nil {
		chunks = append(chunks, riffChunk("EXIF", exif))
	}
	return riffFile(chunks...)
}

func paletted(img image.Image) *image.Paletted {
	out := image.NewPaletted(img.Bounds(), palette.WebSafe)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out
}

func toGIF(t testing.TB, frames ...*image.Paletted) []byte {
	t.Helper()
	var b bytes.Buffer
	all := &gif.GIF{Image: frames, Delay: make([]int, len(frames))}
	if err := gif.EncodeAll(&b, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gifFileOf returns a file with a palette of black, red, green and blue.
func gifFileOf(width, height int, blocks ...[]byte) []byte {
	return join([]byte("GIF89a"), chunkLE16(width), chunkLE16(height), []byte{0x81, 0, 0},
		[]byte{0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255}, join(blocks...), []byte(";"))
}

// gifFrame returns a frame with the given compressed pixels.
func gifFrame(x, y, width, height int, fields byte, packed []byte) []byte {
	return join([]byte{0x2c}, chunkLE16(x), chunkLE16(y), chunkLE16(width), chunkLE16(height), []byte{fields, 2}, gifBlocks(packed))
}

func gifBlocks(data []byte) []byte {
	var out []byte
	for len(data) > 0 {
		n := min(len(data), 255)
		out = append(append(out, byte(n)), data[:n]...)
		data = data[n:]
	}
	return append(out, 0)
}

func gifExtension(kind byte, data []byte) []byte { return join([]byte{0x21, kind}, gifBlocks(data)) }

func packLZW(pixels []byte) []byte {
	var b bytes.Buffer
	w := lzw.NewWriter(&b, lzw.LSB, 2)
	_, err := w.Write(pixels)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer accepts all writes
	}
	return b.Bytes()
}

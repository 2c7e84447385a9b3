package imageio

import (
	"bytes"
	"errors"
	"image"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// allocatedBy returns how many bytes f allocated, however short they lived. What
// other goroutines allocate counts too, so bounds leave room.
func allocatedBy(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// processorTime returns the processor time of this process. Wall-clock time would depend on the
// machine's load.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// progressiveScans returns the scans of a progressive grey file: one with data and the given
// number of empty ones, of a few bytes each.
func progressiveScans(blocks, empty int) [][]byte {
	counts := make([]byte, 16)
	counts[0] = 1
	endOfBand := segment(0xc4, join([]byte{0x10}, counts, []byte{0xe0})) // a zero bit and 14 more: 16384 blocks
	scans := [][]byte{endOfBand, segment(0xda, []byte{1, 1, 0, 0, 0, 0}), make([]byte, blocks/8+1)}
	for range empty {
		scans = append(scans, segment(0xda, []byte{1, 1, 0, 1, 63, 0}), make([]byte, (blocks/16384+1)*15/8+1))
	}
	return scans
}

// A bomb is a small file that declares far more than it has.
type bomb struct {
	name   string
	data   []byte
	want   error // nil: the picture is decoded
	mebi   int64
	within time.Duration
}

// bombs returns generated files. Their bounds are those of the picture itself, a few hundred
// pixels, and four megabytes for a profile.
func bombs(t testing.TB) []bomb {
	pngOf, jpegOf := toPNG(t, gradient(16, 16)), toJPEG(t, gradient(16, 16))
	zeros := deflate(make([]byte, 24<<20))
	p3 := displayP3()
	padded := append(append([]byte(nil), p3...), make([]byte, 24<<20)...)
	frame := func(w, h uint32) []byte {
		return pngChunk("fcTL", join(be32(0), be32(w), be32(h), make([]byte, 14)))
	}
	huge := 0xfffffff0
	webpOf, gifOf := toWebP(t, gradient(16, 16), false)[12:], gifFrame(0, 0, 16, 16, 0, packLZW(make([]byte, 256)))
	p3padded := riffChunk("ICCP", padded)
	tables := new(bitWriter).bits(0, 2).bits(1, 1).bits(0, 3).oneColor(255, 255, 0, 255)
	for range 30_000 { // of 65536
		tables.codes(1, 2, 3, 255)
	}
	return []bomb{
		{"profile with 24 MiB behind it", withChunks(pngOf, iccpChunk(padded)), nil, 2, time.Second},
		{"profile of 24 MiB", withChunks(pngOf, iccpChunk(join(be32(24<<20), padded[4:]))), nil, 2, time.Second},
		{"profile of 4 MiB", withChunks(pngOf, iccpChunk(join(be32(4<<20), padded[4:]))), nil, 6, time.Second},
		{"truncated profile of 4 MiB", withChunks(pngOf, iccpChunk(join(be32(4<<20), p3[4:]))), nil, 2, time.Second},
		{"text of 24 MiB", withChunks(pngOf, pngChunk("zTXt", join([]byte("x\x00\x00"), zeros))), nil, 2, time.Second},
		{"frames before the pixels", withChunks(pngOf, pngChunk("acTL", join(be32(1<<31), be32(0))), frame(1<<31-1, 1<<31-1)), nil, 2, time.Second},
		{"thousands of frames", join(pngOf[:len(pngOf)-12], bytes.Repeat(join(frame(16000, 16000), pngChunk("fdAT", join(be32(1), zeros[:4096]))), 2000), pngOf[len(pngOf)-12:]), nil, 2, time.Second},
		{"too many pixels for the header", pngFile(pngHeader(16, 16, 8, 0, 0), pngChunk("IDAT", zeros)), job.ErrDamagedImage, 2, time.Second},
		{"40 megapixels of 100 bytes", pngFile(pngHeader(8000, 5000, 16, 6, 0), pngChunk("IDAT", zeros[:100])), job.ErrDamagedImage, 1, time.Second},
		{"60000 x 60000", pngFile(pngHeader(60000, 60000, 8, 6, 0), pngChunk("IDAT", zeros)), job.ErrTooManyPixels, 1, time.Second},
		{"chunk of 4 GiB", join(pngOf[:33], be32(uint32(huge)), []byte("tEXtabc")), job.ErrDamagedImage, 1, time.Second},
		{"2 million empty chunks", withChunks(pngOf, bytes.Repeat(pngChunk("tEXt", nil), 1_700_000)), nil, 2, 3 * time.Second},
		{"4 million comments", withSegments(jpegOf, bytes.Repeat([]byte{0xff, 0xfe, 0, 2}, 4_000_000)), nil, 2, 3 * time.Second},
		{"20 MiB of fill bytes", withSegments(jpegOf, bytes.Repeat([]byte{0xff}, 19<<20)), nil, 2, 3 * time.Second},
		{"20 MiB of garbage", withSegments(jpegOf, bytes.Repeat([]byte{0xff, 0}, 9<<20)), nil, 2, 3 * time.Second},
		{"webp, profile of 24 MiB", riffFile(extended(0x20, 16, 16), p3padded, webpOf), job.ErrTooManyBytes, 1, time.Second},
		{"webp, profile of 19 MiB", riffFile(extended(0x20, 16, 16), riffChunk("ICCP", padded[:19<<20]), webpOf), nil, 2, time.Second},
		{"webp, 65536 sets of tables", riffFile(manyTables(1024, 1024)), job.ErrDamagedImage, 1, time.Second},
		{"webp, 65536 sets of tables, 30000 present", riffFile(vp8lPicture(1024, 1024, tables)), job.ErrDamagedImage, 1, time.Second},
		{"webp, 65536 sets of tables for alpha", riffFile(extended(0x10, 16, 16), riffChunk("ALPH", join([]byte{1}, manyTables(16, 16)[13:])), webpOf), job.ErrDamagedImage, 1, time.Second},
		{"webp, most tables", riffFile(largeTables(256, 256, maxTableSets)), job.ErrDamagedImage, 220, time.Second},
		{"webp, most tables for few pixels", riffFile(largeTables(16, 16, maxTableSets)), job.ErrDamagedImage, 40, time.Second},
		{"webp, one set of tables too many", riffFile(largeTables(256, 256, maxTableSets+1)), job.ErrDamagedImage, 1, time.Second},
		{"webp, 40 megapixels of 10 bytes", riffFile(vp8Header(8000, 5000)), job.ErrDamagedImage, 1, time.Second},
		{"webp, canvas of 40 megapixels", riffFile(extended(0, 8000, 5000), webpOf), job.ErrDamagedImage, 1, time.Second},
		{"webp, a million empty chunks", riffFile(extended(0, 16, 16), bytes.Repeat(riffChunk("junk", nil), 1_000_000), webpOf), nil, 2, time.Second},
		{"webp, a million frames", riffFile(extended(2, 16, 16), animatedFrame(0, 0, 16, 16, webpOf), bytes.Repeat(animatedFrame(0, 0, 9999, 9999), 800_000)), nil, 2, time.Second},
		{"webp, a million chunks in a frame", riffFile(extended(2, 16, 16), animatedFrame(0, 0, 16, 16, bytes.Repeat(riffChunk("junk", nil), 1_000_000), webpOf)), nil, 2, time.Second},
		{"gif, 36 megapixels of 100 bytes", gifFileOf(6000, 6000, gifFrame(0, 0, 6000, 6000, 0, zeros[:100])), job.ErrDamagedImage, 1, time.Second},
		{"gif, a million frames", gifFileOf(16, 16, gifOf, bytes.Repeat(gifFrame(0, 0, 16000, 2500, 0, nil), 1_000_000)), nil, 1, time.Second},
		{"gif, 19 MiB of comments", gifFileOf(16, 16, bytes.Repeat(gifExtension(0xfe, []byte("x")), 4_000_000), gifOf), nil, 1, time.Second},
		{"gif, 6 MiB of clear codes", gifFileOf(16, 16, gifFrame(0, 0, 16, 16, 0, bytes.Repeat([]byte{0x24, 0x49, 0x92}, 2<<20))), job.ErrDamagedImage, 1, 3 * time.Second},
		{"many scans", flatJPEG(4000, 4000, 0xc2, []byte{0x11}, progressiveScans(250_000, 3000)...), job.ErrDamagedImage, 1, time.Second},
		{"many baseline scans", flatJPEG(64, 64, 0xc0, []byte{0x11}, bytes.Repeat(baselineScan(1, 64), 1000)), job.ErrDamagedImage, 1, time.Second},
	}
}

func TestBombs(t *testing.T) {
	for _, tt := range bombs(t) {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			start := processorTime(t)
			got := allocatedBy(func() { _, _, err = Decode(t.Context(), tt.data, DefaultLimits()) })
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got > tt.mebi<<20 {
				t.Errorf("allocated %d bytes for a file of %d, want at most %d MiB", got, len(tt.data), tt.mebi)
			}
			// Ten times the usual time, to detect quadratic algorithms only.
			if took := processorTime(t) - start; took > 10*tt.within {
				t.Errorf("took %v of processor time, want about %v at most", took, tt.within)
			}
			if said := DecodeMemory(tt.data); err == nil && got > said {
				t.Errorf("allocated %d bytes, and DecodeMemory returns %d", got, said)
			}
			got = allocatedBy(func() { _, _ = Inspect(tt.data, DefaultLimits()) })
			if got > 256<<10 {
				t.Errorf("Inspect allocated %d bytes, want a few thousand at most", got)
			}
		})
	}
}

// TestMemoryPerPixel verifies the figures in the comment of DefaultLimits.
func TestMemoryPerPixel(t *testing.T) {
	const side = 768
	img := noise(side, side)
	alpha := noise(side, side)
	alpha.Pix[3] = 0
	copy(alpha.Pix, []byte{0, 0, 0})
	deep := image.NewNRGBA64(img.Rect)
	for i := range deep.Pix {
		deep.Pix[i] = byte(i * 7)
	}
	clear, textured := gradient(side, side), photo(side, side)
	for i := 3; i < len(clear.Pix); i += 4 {
		clear.Pix[i] = byte(i / 4)
	}
	packed := packLZW(make([]byte, side*side))
	blocks := side * side / 64
	for _, tt := range []struct {
		name  string
		data  []byte
		bytes float64 // per pixel
	}{
		{"jpeg 4:2:0", toJPEG(t, img), 4 + 1.5},
		{"jpeg progressive 4:4:4", flatJPEG(side, side, 0xc2, []byte{0x11, 0x11, 0x11},
			segment(0xda, []byte{3, 1, 0, 2, 0, 3, 0, 0, 0, 0}), make([]byte, 3*blocks/8+1)), 4 + 3 + 12},
		{"jpeg progressive CMYK", withSegments(flatJPEG(side, side, 0xc2, []byte{0x11, 0x11, 0x11, 0x11},
			segment(0xda, []byte{4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0}), make([]byte, 4*blocks/8+1)), segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))), 4 + 8 + 16},
		{"jpeg 4:2:0, Display P3", withSegments(toJPEG(t, img), iccSegments(displayP3(), 1)), 4 + 1.5},
		{"jpeg progressive CMYK, with a table", withSegments(flatJPEG(side, side, 0xc2, []byte{0x11, 0x11, 0x11, 0x11},
			segment(0xda, []byte{4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0}), make([]byte, 4*blocks/8+1)), segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00")), iccSegments(largeTable(4), 64)), 4 + 8 + 16 + 8},
		{"png", toPNG(t, img), 4},
		{"png with a table", withChunks(toPNG(t, img), iccpChunk(largeTable(3))), 8 + 8},
		{"png turned", withChunks(toPNG(t, img), pngChunk("eXIf", exifBlock(6, binaryLE))), 8},
		{"png with alpha", toPNG(t, alpha), 8},
		{"png 16 bits", toPNG(t, deep), 4 + 8},
		{"webp", toWebP(t, textured, false), 4 + 2},
		{"webp with alpha", toWebP(t, clear, false), 4 + 2 + 5},
		{"webp lossless", toWebP(t, textured, true), 4 + 4 + 1},
		{"webp frame in a canvas", riffFile(extended(2, side+2, side+2), animatedFrame(1, 1, side, side, toWebP(t, textured, false)[12:])), 4 + 4 + 2},
		{"gif", gifFileOf(side, side, gifFrame(0, 0, side, side, 0, packed)), 4 + 1},
		{"gif interlaced in a canvas", gifFileOf(side+1, side+1, gifFrame(1, 1, side, side, 0x40, packed)), 4 + 4 + 2},
		{"png 16 bits interlaced", pngFile(pngHeader(side, side, 16, 6, 1), pngChunk("IDAT", deflate(make([]byte, 8*side*side+side*15/8)))), 4 + 8 + 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			got := allocatedBy(func() { _, _, err = Decode(t.Context(), tt.data, DefaultLimits()) })
			if err != nil {
				t.Fatal(err)
			}
			// A megabyte for buffers that don't grow with the picture.
			if perPixel := float64(got-(1<<20)) / (side * side); perPixel > tt.bytes {
				t.Errorf("got %.1f bytes a pixel, want at most %.1f", perPixel, tt.bytes)
			}
			if said := DecodeMemory(tt.data); int64(got) > said {
				t.Errorf("DecodeMemory returns %.1f bytes a pixel, and %.1f were allocated", float64(said)/(side*side), float64(got)/(side*side))
			}
		})
	}
}

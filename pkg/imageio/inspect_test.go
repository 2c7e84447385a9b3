package imageio

import (
	"bytes"
	"errors"
	"image"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestInspectAccepts(t *testing.T) {
	small := image.NewGray(image.Rect(0, 0, 5, 3))
	pngOf := toPNG(t, small)
	jpegOf := toJPEG(t, small)
	bigText := pngChunk("zTXt", join([]byte("Comment\x00\x00"), deflate(make([]byte, 1<<20))))
	many := bytes.Repeat(segment(0xfe, []byte("x")), 20000)
	for _, tt := range []struct {
		name string
		data []byte
		want Info
	}{
		{"png", pngOf, Info{"png", 5, 3}},
		{"jpeg", jpegOf, Info{"jpeg", 5, 3}},
		{"progressive", fixture(t, "progressive.jpg"), Info{"jpeg", 32, 16}},
		{"cmyk", fixture(t, "cmyk.jpg"), Info{"jpeg", 16, 16}},
		{"restart markers", fixture(t, "restart.jpg"), Info{"jpeg", 32, 16}},
		{"two pictures", fixture(t, "two.mpo.jpg"), Info{"jpeg", 32, 16}},
		{"animated png", fixture(t, "animated.png"), Info{"png", 20, 10}},
		{"turned jpeg", fixture(t, "orientation6.jpg"), Info{"jpeg", 16, 32}},
		{"turned png", withChunks(pngOf, pngChunk("eXIf", exifBlock(8, binaryBE))), Info{"png", 3, 5}},
		{"exif after the pixels", join(pngOf[:len(pngOf)-12], pngChunk("eXIf", exifBlock(5, binaryLE)), pngOf[len(pngOf)-12:]), Info{"png", 3, 5}},
		{"damaged comment", withChunks(pngOf, []byte("\x00\x00\x00\x01tEXtxoops")), Info{"png", 5, 3}},
		{"compressed text", withChunks(pngOf, bigText, bigText), Info{"png", 5, 3}},
		{"many segments", withSegments(jpegOf, many), Info{"jpeg", 5, 3}},
		{"bytes after a jpeg", join(jpegOf, []byte("ftypmp42 a video")), Info{"jpeg", 5, 3}},
		{"bytes after a png", join(pngOf, []byte("more")), Info{"png", 5, 3}},
		{"fill bytes", join(jpegOf[:2], []byte{0xff, 0xff, 0xff}, jpegOf[2:]), Info{"jpeg", 5, 3}},
		{"webp", toWebP(t, small, false), Info{"webp", 5, 3}},
		{"lossless webp", toWebP(t, small, true), Info{"webp", 5, 3}},
		{"webp of a few bytes", riffFile(flatVP8L(400, 300)), Info{"webp", 400, 300}},
		{"turned webp", webpWith(t, toWebP(t, small, false), nil, exifBlock(6, binaryLE)), Info{"webp", 3, 5}},
		{"turned webp, exif as in a jpeg", webpWith(t, toWebP(t, small, true), nil, join([]byte("Exif\x00\x00"), exifBlock(8, binaryBE))), Info{"webp", 3, 5}},
		{"animated webp", fixture(t, "animated.webp"), Info{"webp", 20, 10}},
		{"webp by another program", fixture(t, "orientation6.webp"), Info{"webp", 16, 32}},
		{"bytes after a webp", join(toWebP(t, small, true), []byte("more")), Info{"webp", 5, 3}},
		{"gif", toGIF(t, paletted(small)), Info{"gif", 5, 3}},
		{"animated gif", fixture(t, "animated.gif"), Info{"gif", 20, 10}},
		{"gif without its last byte", bytes.TrimSuffix(toGIF(t, paletted(small)), []byte(";")), Info{"gif", 5, 3}},
		{"bytes after a gif", join(toGIF(t, paletted(small)), []byte("more")), Info{"gif", 5, 3}},
		{"one odd sampling", flatJPEG(16, 16, 0xc1, []byte{0x22, 0x21, 0x11}, baselineScan(3, 7)), Info{"jpeg", 16, 16}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Inspect(tt.data, DefaultLimits())
			if err != nil || got != tt.want {
				t.Fatalf("Inspect: got %+v, %v, want %+v", got, err, tt.want)
			}
			img, info, err := Decode(t.Context(), tt.data, DefaultLimits())
			if err != nil || info != tt.want || img.Rect != image.Rect(0, 0, tt.want.Width, tt.want.Height) {
				t.Fatalf("Decode: got %v, %+v, %v, want %+v", img.Bounds(), info, err, tt.want)
			}
		})
	}
}

// A refusal is a file that must be refused with an error that is want and contains says.
type refusal struct {
	name string
	data []byte
	want error
	says string
}

func wantRefused(t *testing.T, files []refusal) {
	t.Helper()
	for _, tt := range files {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Inspect(tt.data, DefaultLimits())
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Inspect: got %q, want %q containing %q", err, tt.want, tt.says)
			}
			if img, _, err := Decode(t.Context(), tt.data, DefaultLimits()); !errors.Is(err, tt.want) || img != nil {
				t.Errorf("Decode: got %v, %q, want %q", img, err, tt.want)
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	jpegOf := toJPEG(t, gradient(16, 16))
	pngOf := toPNG(t, gradient(16, 16))
	frame := bytes.Index(jpegOf, []byte{0xff, 0xc0})
	patched := func(file []byte, at int, b ...byte) []byte {
		file = bytes.Clone(file)
		copy(file[at:], b)
		return file
	}
	idat := pngChunk("IDAT", deflate(make([]byte, 1000)))
	wantRefused(t, []refusal{
		{"empty", nil, job.ErrUnsupportedImage, "empty"},
		{"text named .jpg", []byte("not a picture at all\n"), job.ErrUnsupportedImage, "looks like text"},
		{"text cut within a letter", bytes.Repeat([]byte("aé"), 400), job.ErrUnsupportedImage, "looks like text"},
		{"svg", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), job.ErrUnsupportedImage, "looks like SVG"},
		{"svg with a byte order mark", []byte("\xef\xbb\xbf\n <SVG>"), job.ErrUnsupportedImage, "looks like SVG"},
		{"web page", []byte("<!DOCTYPE html><p>404"), job.ErrUnsupportedImage, "looks like a web page"},
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), job.ErrUnsupportedImage, "looks like HEIC"},
		{"avif", []byte("\x00\x00\x00\x1cftypavif"), job.ErrUnsupportedImage, "looks like AVIF"},
		{"tiff", []byte("II*\x00\x08\x00\x00\x00"), job.ErrUnsupportedImage, "looks like TIFF"},
		{"noise", []byte{1, 2, 3, 4, 0xfe, 0xff}, job.ErrUnsupportedImage, "unknown"},
		{"jpeg start only", []byte{0xff, 0xd8}, job.ErrDamagedImage, "ends before"},
		{"jpeg without end", jpegOf[:len(jpegOf)-2], job.ErrDamagedImage, "ends before"},
		{"jpeg of nothing", []byte{0xff, 0xd8, 0xff, 0xd9}, job.ErrDamagedImage, "no picture"},
		{"jpeg of no height", patched(jpegOf, frame+5, 0, 0), job.ErrDamagedImage, "16 x 0"},
		{"jpeg of no width", patched(jpegOf, frame+7, 0, 0), job.ErrDamagedImage, "0 x 16"},
		{"jpeg of 12 bits", patched(jpegOf, frame+4, 12), job.ErrUnsupportedImage, "12 bits"},
		{"arithmetic jpeg", patched(jpegOf, frame+1, 0xc9), job.ErrUnsupportedImage, "arithmetic"},
		{"lossless jpeg", patched(jpegOf, frame+1, 0xc3), job.ErrUnsupportedImage, "lossless"},
		{"jpeg of four colours, no Adobe marker", flatJPEG(16, 16, 0xc0, []byte{0x11, 0x11, 0x11, 0x11}, baselineScan(4, 16)), job.ErrUnsupportedImage, "four colours"},
		{"jpeg with fine chroma", flatJPEG(16, 16, 0xc2, []byte{0x11, 0x42, 0x42}, baselineScan(3, 99)), job.ErrUnsupportedImage, "finer"},
		{"jpeg with too little data", flatJPEG(16000, 2400, 0xc0, []byte{0x11}, baselineScan(1, 1)), job.ErrDamagedImage, "too little data"},
		{"jpeg, segment of no length", join(jpegOf[:2], []byte{0xff, 0xe0, 0, 1}, jpegOf[2:]), job.ErrDamagedImage, "shorter than"},
		{"png start only", []byte("\x89PNG"), job.ErrDamagedImage, "transfer as text"},
		{"png sent as text", bytes.ReplaceAll(pngOf, []byte("\r\n"), []byte("\n")), job.ErrDamagedImage, "transfer as text"},
		{"png without end", pngOf[:len(pngOf)-12], job.ErrDamagedImage, "ends before"},
		{"png, wrong checksum", patched(pngOf, 29, 1, 2, 3, 4), job.ErrDamagedImage, "checksum"},
		{"png of no width", pngFile(pngHeader(0, 1, 8, 2, 0), idat), job.ErrDamagedImage, "0 x 1"},
		{"png of too many bits", pngFile(pngHeader(9, 9, 16, 3, 0), idat), job.ErrDamagedImage, "16 bits"},
		{"png without pixels", pngFile(pngHeader(9, 9, 8, 2, 0)), job.ErrDamagedImage, "too little data"},
		{"png without palette", pngFile(pngHeader(9, 9, 8, 3, 0), idat), job.ErrDamagedImage, "no palette"},
		{"png with two headers", pngFile(pngHeader(9, 9, 8, 2, 0), pngHeader(9, 9, 8, 2, 0), idat), job.ErrDamagedImage, "two headers"},
		{"png without header", pngFile(idat), job.ErrDamagedImage, "begin with its header"},
		{"png for iOS", pngFile(pngChunk("CgBI", make([]byte, 4)), pngHeader(9, 9, 8, 2, 0), idat), job.ErrUnsupportedImage, "Apple"},
		{"png of 60000 x 60000", pngFile(pngHeader(60000, 60000, 8, 6, 0), idat), job.ErrTooManyPixels, "60000 x 60000"},
		{"png of 2^31-1 squared", pngFile(pngHeader(1<<31-1, 1<<31-1, 16, 6, 1), idat), job.ErrTooManyPixels, "16384"},
		{"png of 10000 x 10000", pngFile(pngHeader(10000, 10000, 8, 6, 0), idat), job.ErrTooManyPixels, "100.0 megapixels), and 40.0"},
		{"jpeg of 16384 x 16384, cut", flatJPEG(16384, 16384, 0xc0, []byte{0x11})[:200], job.ErrTooManyPixels, "268.4 megapixels"},
	})
}

func TestInspectTooManyBytes(t *testing.T) {
	data := toPNG(t, gradient(4, 4))
	lim := DefaultLimits()
	lim.Bytes = int64(len(data))
	if _, err := Inspect(data, lim); err != nil {
		t.Errorf("at the limit: got %v, want it accepted", err)
	}
	lim.Bytes--
	_, err := Inspect(data, lim)
	if !errors.Is(err, job.ErrTooManyBytes) {
		t.Errorf("one byte over: got %v, want %v", err, job.ErrTooManyBytes)
	}
}

// TestTruncatedFilesAreRefused truncates small files after every byte: all must be refused, without
// a panic.
func TestTruncatedFilesAreRefused(t *testing.T) {
	for name, data := range map[string][]byte{
		"jpeg":        withSegments(toJPEG(t, gradient(16, 16)), exifSegment(6), iccSegments(displayP3(), 2)),
		"progressive": fixture(t, "progressive-420.jpg"),
		"cmyk":        fixture(t, "cmyk.jpg"),
		"png":         withChunks(toPNG(t, gradient(16, 16)), iccpChunk(displayP3()), pngChunk("eXIf", exifBlock(3, binaryLE))),
		"animated":    fixture(t, "animated.png"),
		"webp":        webpWith(t, toWebP(t, gradient(16, 16), false), displayP3(), exifBlock(6, binaryLE)),
		"lossless":    toWebP(t, gradient(16, 16), true),
		"alpha":       fixture(t, "lossy-alpha.webp"),
		"animation":   fixture(t, "animated.webp"),
		"gif":         bytes.TrimSuffix(toGIF(t, paletted(gradient(16, 16))), []byte(";")), // the trailer is optional
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := Decode(t.Context(), data, DefaultLimits()); err != nil {
				t.Fatalf("whole: got %v, want it accepted", err)
			}
			for n := range data {
				_, errInspect := Inspect(data[:n], DefaultLimits())
				_, _, errDecode := Decode(t.Context(), data[:n], DefaultLimits())
				if errInspect == nil || errDecode == nil {
					t.Fatalf("%d of %d bytes: Inspect says %v, Decode %v, want both to refuse", n, len(data), errInspect, errDecode)
				}
				// The first bytes are too few to recognise the format.
				if n >= 12 && !errors.Is(errInspect, job.ErrDamagedImage) {
					t.Fatalf("%d of %d bytes: got %v, want %v", n, len(data), errInspect, job.ErrDamagedImage)
				}
			}
		})
	}
}

func TestLimitsValidate(t *testing.T) {
	if err := DefaultLimits().Validate(); err != nil {
		t.Errorf("the defaults: got %v", err)
	}
	for _, lim := range []Limits{{}, {1, 1, 0}, {0, 1, 1}, {1, 0, 1}, {1, 1, 65536}, {-1, 1, 1}} {
		if lim.Validate() == nil {
			t.Errorf("%+v: got nil, want an error", lim)
		}
	}
}

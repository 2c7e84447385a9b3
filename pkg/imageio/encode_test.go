package imageio

import (
	"bytes"
	"errors"
	"image"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/formats"
)

func TestEncode(t *testing.T) {
	img := mustDecode(t, toPNG(t, gradient(40, 30)))
	for _, format := range formats.Names(formats.Outputs()) {
		var b bytes.Buffer
		if err := Encode(&b, img, format, 90); err != nil {
			t.Fatal(err)
		}
		info, err := Inspect(b.Bytes(), DefaultLimits())
		if err != nil || info != (Info{format, 40, 30}) {
			t.Errorf("%s: got %+v, %v", format, info, err)
		}
		levels := map[string]float64{"png": 0, "jpeg": 12, "webp": 12}[format]
		got := mustDecode(t, b.Bytes())
		for _, p := range []image.Point{{0, 0}, {39, 0}, {20, 15}, {39, 29}} {
			wantPixel(t, got, p.X, p.Y, img.RGBAAt(p.X, p.Y), levels)
		}
	}
}

func TestEncodeQuality(t *testing.T) {
	img := noise(64, 64)
	for _, format := range []string{"jpeg", "webp"} {
		var low, high bytes.Buffer
		if err := errors.Join(Encode(&low, img, format, 1), Encode(&high, img, format, 100)); err != nil {
			t.Fatal(err)
		}
		if low.Len()*4 > high.Len() {
			t.Errorf("%s: quality 1 takes %d bytes and 100 takes %d: want far fewer", format, low.Len(), high.Len())
		}
	}
}

type brokenWriter struct{}

var errDisk = errors.New("disk full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errDisk }

func TestEncodeRefuses(t *testing.T) {
	img := noise(4, 4)
	for _, tt := range []struct {
		format  string
		quality int
	}{{"gif", 90}, {"", 90}, {"JPEG", 90}, {"jpeg", 0}, {"jpeg", 101}, {"webp", 0}, {"webp", 101}, {"png", -1}} {
		var b bytes.Buffer
		if err := Encode(&b, img, tt.format, tt.quality); err == nil || b.Len() > 0 {
			t.Errorf("%q at %d: got %v and %d bytes, want an error and none", tt.format, tt.quality, err, b.Len())
		}
	}
	for _, format := range formats.Names(formats.Outputs()) {
		if err := Encode(brokenWriter{}, img, format, 90); !errors.Is(err, errDisk) {
			t.Errorf("%s to a full disk: got %v, want %v", format, err, errDisk)
		}
	}
}

// TestCodecs: each format of package formats has its code here, and only those that results can have
// are written.
func TestCodecs(t *testing.T) {
	for i, f := range formats.All() {
		if i >= len(codecs) || codecs[i].Name != f.Name {
			t.Fatalf("codecs[%d] is not that of %s", i, f.Name)
		}
		if c := codecs[i]; c.parse == nil || (c.encode != nil) != f.Output {
			t.Errorf("%s: parsed %t, written %t: want true and %t", f.Name, c.parse != nil, c.encode != nil, f.Output)
		}
		if got := ContentType(f.Name); got != f.ContentType {
			t.Errorf("%s: content type %q, want %q", f.Name, got, f.ContentType)
		}
	}
	if len(codecs) != len(formats.All()) || ContentType("avif") != "" {
		t.Error("there are codecs of formats that package formats lacks")
	}
}

// TestMetadataIsNotWritten puts a position and a serial number into every kind of metadata block
// and checks that no encoded file contains them.
func TestMetadataIsNotWritten(t *testing.T) {
	const secret = "serial number 12345"
	xmp := []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>" + secret + gpsText)
	files := map[string][]byte{
		"jpeg": withSegments(toJPEG(t, gradient(20, 20)), exifSegment(6), segment(0xe1, xmp),
			segment(0xed, []byte("Photoshop 3.0\x00"+secret)), segment(0xfe, []byte(secret))),
		"png": withChunks(toPNG(t, gradient(20, 20)), pngChunk("eXIf", exifBlock(6, binaryLE)),
			pngChunk("tEXt", []byte("Comment\x00"+secret)), pngChunk("iTXt", append([]byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"), xmp...))),
		"webp": riffFile(extended(0x2c, 20, 20), riffChunk("ICCP", join(displayP3(), []byte(secret))), toWebP(t, gradient(20, 20), false)[12:],
			riffChunk("EXIF", exifBlock(6, binaryLE)), riffChunk("XMP ", xmp), riffChunk("note", []byte(secret))),
		"gif": gifFileOf(16, 16, gifExtension(0xfe, []byte(secret+gpsText)), gifExtension(0xff, xmp),
			gifFrame(0, 0, 16, 16, 0, packLZW(make([]byte, 256))), gifExtension(0xfe, []byte(secret))),
	}
	for name, data := range files {
		if !bytes.Contains(data, []byte(gpsText)) || !bytes.Contains(data, []byte(secret)) {
			t.Fatalf("%s: the test's own file lacks the metadata", name)
		}
		written := map[string][]byte{}
		for _, format := range formats.Names(formats.Outputs()) {
			var b bytes.Buffer
			if err := Encode(&b, mustDecode(t, data), format, 90); err != nil {
				t.Fatal(err)
			}
			written[format] = b.Bytes()
		}
		var err error
		if written["preview"], err = Preview(mustDecode(t, data), 10); err != nil {
			t.Fatal(err)
		}
		for format, out := range written {
			for _, trace := range []string{gpsText, secret, "Exif", "EXIF", "eXIf", "ICCP", "XMP", "tEXt", "iTXt", "xmp", "Photoshop"} {
				if bytes.Contains(out, []byte(trace)) {
					t.Errorf("%s as %s: the result contains %q", name, format, trace)
				}
			}
		}
	}
}

func TestPreview(t *testing.T) {
	out, err := Preview(mustDecode(t, fixture(t, "orientation6.jpg")), 16)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := Inspect(out, DefaultLimits()); err != nil || info != (Info{"jpeg", 8, 16}) {
		t.Errorf("got %+v, %v, want a jpeg of 8 x 16", info, err)
	}
	img := mustDecode(t, out)
	wantPixel(t, img, 1, 2, blue, 60)
	wantPixel(t, img, 6, 13, green, 60)
}

// TestErrorsAreFitForUsers checks that the texts, which users see, name the limits and contain no
// internal details.
func TestErrorsAreFitForUsers(t *testing.T) {
	big := pngFile(pngHeader(50000, 2, 8, 2, 0))
	for _, data := range [][]byte{nil, []byte("hello"), big, {0xff, 0xd8}} {
		_, err := Inspect(data, DefaultLimits())
		if err == nil || strings.Contains(err.Error(), "imageio") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q", err)
		}
	}
	if _, err := Inspect(big, DefaultLimits()); !strings.Contains(err.Error(), "16384") {
		t.Errorf("got %q, want it to name the limit, 16384", err)
	}
}

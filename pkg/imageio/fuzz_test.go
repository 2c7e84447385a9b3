package imageio

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// fuzzLimits are small so that a fuzzer spends its time on structure instead of pixels.
var fuzzLimits = Limits{Bytes: 64 << 10, Pixels: 1 << 16, Edge: 1024}

func addSeeds(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*[gp]") // without the README
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	small := gradient(6, 5)
	pngOf, jpegOf := toPNG(f, small), toJPEG(f, small)
	f.Add(pngOf)
	f.Add(jpegOf)
	f.Add(withChunks(pngOf, iccpChunk(displayP3()), pngChunk("eXIf", exifBlock(6, binaryLE))))
	f.Add(withSegments(jpegOf, iccSegments(displayP3(), 2), exifSegment(5)))
	table := iccProfile("CMYK", tag{"A2B0", cmykTable()})
	f.Add(withSegments(fixture(f, "cmyk.jpg"), iccSegments(table, 1)))
	f.Add(flatJPEG(16, 16, 0xc1, []byte{0x22, 0x21, 0x11}, baselineScan(3, 7)))
	f.Add(flatJPEG(16, 16, 0xc2, []byte{0x11}, progressiveScans(4, 3)...))
	f.Add(pngFile(pngHeader(60000, 60000, 8, 6, 1)))
	webpOf := toWebP(f, small, false)
	f.Add(webpOf)
	f.Add(toWebP(f, small, true))
	f.Add(webpWith(f, webpOf, displayP3(), exifBlock(7, binaryBE)))
	f.Add(riffFile(extended(2, 40, 30), animatedFrame(5, 3, 6, 5, webpOf[12:]), animatedFrame(0, 0, 6, 5, webpOf[12:])))
	f.Add(riffFile(manyTables(256, 256)))
	f.Add(riffFile(flatVP8L(100, 100)))
	f.Add(toGIF(f, paletted(small), paletted(small)))
	f.Add(gifFileOf(40, 30, gifExtension(0xf9, []byte{1, 0, 0, 1}), gifFrame(10, 6, 4, 4, 0x40, packLZW(make([]byte, 16)))))
	f.Add([]byte("<svg/>"))
	f.Add([]byte{})
}

// wantSentinel fails unless err is one of the documented errors.
func wantSentinel(t *testing.T, err error) {
	t.Helper()
	for _, s := range []error{job.ErrUnsupportedImage, job.ErrDamagedImage, job.ErrTooManyBytes, job.ErrTooManyPixels} {
		if errors.Is(err, s) {
			return
		}
	}
	t.Fatalf("got %v, want one of the documented errors", err)
}

// FuzzInspect checks that the memory of Inspect doesn't depend on what a file declares, and that
// its time is linear: a quadratic algorithm would take seconds for 64 KiB. DecodeMemory is bounded
// likewise.
func FuzzInspect(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var (
			info Info
			err  error
		)
		start := processorTime(t)
		allocated := allocatedBy(func() {
			info, err = Inspect(data, fuzzLimits)
			DecodeMemory(data)
		})
		if took := processorTime(t) - start; took > 200*time.Millisecond {
			t.Fatalf("%d bytes took %v of processor time", len(data), took)
		}
		if allocated > 256<<10 {
			t.Fatalf("allocated %d bytes for a file of %d", allocated, len(data))
		}
		if err != nil {
			wantSentinel(t, err)
			if info != (Info{}) {
				t.Fatalf("got %+v with %v", info, err)
			}
			return
		}
		if ContentType(info.Format) == "" || min(info.Width, info.Height) < 1 ||
			max(info.Width, info.Height) > fuzzLimits.Edge || int64(info.Width*info.Height) > fuzzLimits.Pixels {
			t.Fatalf("accepted %+v", info)
		}
		// Bytes after the picture don't change the result.
		if again, err := Inspect(append(append([]byte(nil), data...), "tail"...), fuzzLimits); err == nil && again != info {
			t.Fatalf("got %+v, and %+v with bytes appended", info, again)
		}
	})
}

func FuzzDecode(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		want, errInspect := Inspect(data, fuzzLimits)
		img, info, err := Decode(t.Context(), data, fuzzLimits)
		if err != nil {
			wantSentinel(t, err)
			return
		}
		if errInspect != nil || info != want {
			t.Fatalf("Decode returns %+v, Inspect %+v, %v", info, want, errInspect)
		}
		if img.Rect != image.Rect(0, 0, info.Width, info.Height) {
			t.Fatalf("got %v, want %d x %d", img.Rect, info.Width, info.Height)
		}
		for i := 3; i < len(img.Pix); i += 4 {
			if img.Pix[i] != 255 {
				t.Fatalf("alpha of pixel %d: got %d", i/4, img.Pix[i])
			}
		}
		newConversion(data, 3) // the same bytes as a profile
	})
}

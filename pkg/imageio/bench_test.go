package imageio

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"testing"

	"github.com/atelier-go/atelier/pkg/formats"
)

// photo returns a picture with a texture like a camera's: a gradient with a little noise.
func photo(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	copy(img.Pix, gradient(width, height).Pix)
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = byte(min(255, max(0, int(img.Pix[i])+(i*2654435761>>20)%16-8)))
		}
	}
	return img
}

func BenchmarkInspect(b *testing.B) {
	data := toJPEG(b, photo(4000, 3000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Inspect(data, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	jpegOf := toJPEG(b, photo(4000, 3000))
	for _, bb := range []struct {
		name string
		data []byte
	}{
		{"jpeg", jpegOf},
		{"jpeg turned", withSegments(jpegOf, exifSegment(6))},
		{"jpeg Display P3", withSegments(jpegOf, iccSegments(displayP3(), 1))},
		{"png", toPNG(b, photo(4000, 3000))},
		{"webp", toWebP(b, photo(4000, 3000), false)},
		{"webp lossless", toWebP(b, photo(4000, 3000), true)},
		{"gif", toGIF(b, paletted(photo(4000, 3000)))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Decode(b.Context(), bb.data, DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFit(b *testing.B) {
	img := photo(4000, 3000)
	for b.Loop() {
		Fit(img, 1024)
	}
}

func BenchmarkEncode(b *testing.B) {
	img := Fit(photo(4000, 3000), 1024)
	for _, format := range formats.Names(formats.Outputs()) {
		b.Run(format, func(b *testing.B) {
			var size bytes.Buffer
			for b.Loop() {
				size.Reset()
				if err := Encode(&size, img, format, 90); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size.Len()), "bytes")
		})
	}
}

func BenchmarkKeepColors(b *testing.B) {
	img, other := Fit(photo(4000, 3000), 1024), Fit(noise(4000, 3000), 1024)
	painted := image.NewRGBA(img.Rect)
	for b.Loop() {
		copy(painted.Pix, other.Pix)
		if err := KeepColors(painted, img); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThumbnail compares a thumbnail with the encoding of its result.
func BenchmarkThumbnail(b *testing.B) {
	for _, size := range []image.Point{{400, 300}, {512, 512}, {1024, 1024}} {
		img := Fit(photo(3*size.X, 3*size.Y), max(size.X, size.Y))
		b.Run(fmt.Sprintf("%d x %d", size.X, size.Y), func(b *testing.B) {
			b.Run("thumbnail", func(b *testing.B) {
				for b.Loop() {
					if _, err := Thumbnail(img); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("result", func(b *testing.B) {
				for b.Loop() {
					if err := Encode(io.Discard, img, "jpeg", 90); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

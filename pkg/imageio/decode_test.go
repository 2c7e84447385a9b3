package imageio

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"math"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

func mustDecode(t *testing.T, data []byte) *image.RGBA {
	t.Helper()
	img, _, err := Decode(t.Context(), data, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if img.Rect.Min != (image.Point{}) || img.Stride != 4*img.Rect.Dx() {
		t.Fatalf("bounds %v, stride %d: want the origin and no gaps", img.Rect, img.Stride)
	}
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] != 255 {
			t.Fatalf("alpha at pixel %d: got %d, want 255", i/4, img.Pix[i])
		}
	}
	return img
}

// near reports whether two colours differ by at most the given levels in each channel.
func near(a color.RGBA, b color.RGBA, levels float64) bool {
	diff := func(x, y uint8) float64 { return math.Abs(float64(x) - float64(y)) }
	return max(diff(a.R, b.R), diff(a.G, b.G), diff(a.B, b.B)) <= levels
}

func wantPixel(t *testing.T, img *image.RGBA, x, y int, want color.RGBA, levels float64) {
	t.Helper()
	if got := img.RGBAAt(x, y); !near(got, want, levels) {
		t.Errorf("pixel (%d,%d): got %v, want %v (within %v)", x, y, got, want, levels)
	}
}

var (
	red   = color.RGBA{255, 0, 0, 255}
	green = color.RGBA{0, 255, 0, 255}
	blue  = color.RGBA{0, 0, 255, 255}
	white = color.RGBA{255, 255, 255, 255}
)

// quarters returns a picture of 32 x 16: red and green above blue and white.
func quarters() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 32, 16))
	for i, c := range []color.RGBA{red, green, blue, white} {
		at := image.Pt(i%2*16, i/2*8)
		draw.Draw(img, image.Rectangle{at, at.Add(image.Pt(16, 8))}, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

func TestDecodeOrientation(t *testing.T) {
	// The corners of the upright picture: top left, top right, bottom left,
	// bottom right, as EXIF 2.32 defines the eight values.
	corners := [9][4]color.RGBA{
		1: {red, green, blue, white},
		2: {green, red, white, blue},
		3: {white, blue, green, red},
		4: {blue, white, red, green},
		5: {red, blue, green, white},
		6: {blue, red, white, green},
		7: {white, green, blue, red},
		8: {green, white, red, blue},
	}
	check := func(t *testing.T, data []byte, o int, levels float64) {
		t.Helper()
		img := mustDecode(t, data)
		w, h := 32, 16
		if o >= 5 {
			w, h = h, w
		}
		if img.Rect.Dx() != w || img.Rect.Dy() != h {
			t.Fatalf("orientation %d: got %v, want %d x %d", o, img.Rect, w, h)
		}
		for i, p := range []image.Point{{0, 0}, {w - 1, 0}, {0, h - 1}, {w - 1, h - 1}} {
			wantPixel(t, img, p.X, p.Y, corners[o][i], levels)
		}
	}
	for o := 1; o <= 8; o++ {
		for _, order := range []struct {
			name string
			exif []byte
		}{{"little endian", exifBlock(o, binaryLE)}, {"big endian", exifBlock(o, binaryBE)}} {
			t.Run(order.name, func(t *testing.T) {
				check(t, withSegments(toJPEG(t, quarters()), segment(0xe1, join([]byte("Exif\x00\x00"), order.exif))), o, 12)
				check(t, withChunks(toPNG(t, quarters()), pngChunk("eXIf", order.exif)), o, 0)
				check(t, webpWith(t, toWebP(t, quarters(), false), nil, order.exif), o, 12)
				check(t, webpWith(t, toWebP(t, quarters(), true), nil, order.exif), o, 0)
			})
		}
	}
	t.Run("written by Pillow", func(t *testing.T) { check(t, fixture(t, "orientation6.jpg"), 6, 12) })
	for name, exif := range map[string][]byte{
		"none":         nil,
		"zero":         exifBlock(0, binaryLE),
		"nine":         exifBlock(9, binaryLE),
		"cut":          exifBlock(6, binaryLE)[:20],
		"far away":     []byte("II*\x00\xff\xff\xff\xff"),
		"no directory": []byte("II*\x00\x08\x00\x00\x00\xff\xff"),
		"no EXIF":      []byte("hello"),
	} {
		t.Run("ignored: "+name, func(t *testing.T) {
			check(t, withSegments(toJPEG(t, quarters()), segment(0xe1, join([]byte("Exif\x00\x00"), exif))), 1, 12)
			check(t, webpWith(t, toWebP(t, quarters(), true), nil, exif), 1, 0)
		})
	}
}

// TestRenderOrientationExactly compares every pixel with the definition, at sizes near the height
// of a strip.
func TestRenderOrientationExactly(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {5, 3}, {3, 16}, {17, 33}, {40, 15}} {
		src := noise(size.X, size.Y)
		w, h := size.X, size.Y
		for o := 1; o <= 8; o++ {
			got := render(&image.NRGBA{Pix: src.Pix, Stride: src.Stride, Rect: src.Rect}, o, nil)
			for y := range h {
				for x := range w {
					p := [9]image.Point{
						1: {x, y}, 2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
						5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x},
					}[o]
					if g, want := got.RGBAAt(p.X, p.Y), src.RGBAAt(x, y); g != want {
						t.Fatalf("%v, orientation %d: (%d,%d) got %v, want %v", size, o, x, y, g, want)
					}
				}
			}
		}
	}
}

func TestDecodePixelFormats(t *testing.T) {
	ramp := gradient(37, 29)
	convert := func(dst draw.Image) image.Image {
		draw.Draw(dst, dst.Bounds(), ramp, image.Point{}, draw.Src)
		return dst
	}
	r := ramp.Rect
	for _, tt := range []struct {
		name string
		img  image.Image
	}{
		{"8 bits", ramp},
		{"16 bits", convert(image.NewNRGBA64(r))},
		{"16 bits opaque", convert(image.NewRGBA64(r))},
		{"grey", convert(image.NewGray(r))},
		{"grey of 16 bits", convert(image.NewGray16(r))},
		{"palette", convert(image.NewPaletted(r, palette.WebSafe))},
		{"palette of two", convert(image.NewPaletted(r, color.Palette{color.Black, color.White}))},
		{"palette of ten", convert(image.NewPaletted(r, palette.Plan9[:10]))},
	} {
		t.Run("png "+tt.name, func(t *testing.T) {
			img := mustDecode(t, toPNG(t, tt.img))
			for y := range r.Dy() {
				for x := range r.Dx() {
					want := color.RGBAModel.Convert(tt.img.At(x, y)).(color.RGBA)
					wantPixel(t, img, x, y, want, 0)
				}
			}
		})
		t.Run("jpeg "+tt.name, func(t *testing.T) {
			img := mustDecode(t, toJPEG(t, tt.img))
			want := color.RGBAModel.Convert(tt.img.At(18, 14)).(color.RGBA)
			levels := 20.0
			if _, ok := tt.img.(*image.Paletted); ok {
				levels = 160 // dithered, and chroma at half the resolution
			}
			wantPixel(t, img, 18, 14, want, levels)
		})
	}
}

func TestDecodeFixtures(t *testing.T) {
	for _, name := range []string{"progressive.jpg", "progressive-420.jpg", "rgb.jpg", "restart.jpg", "two.mpo.jpg"} {
		t.Run(name, func(t *testing.T) {
			img := mustDecode(t, fixture(t, name))
			wantPixel(t, img, 4, 4, red, 12)
			wantPixel(t, img, 28, 4, green, 12)
			wantPixel(t, img, 4, 12, blue, 12)
			wantPixel(t, img, 28, 12, white, 12)
		})
	}
	t.Run("gray.jpg", func(t *testing.T) {
		wantPixel(t, mustDecode(t, fixture(t, "gray.jpg")), 4, 4, color.RGBA{76, 76, 76, 255}, 4)
	})
	t.Run("cmyk.jpg", func(t *testing.T) {
		img := mustDecode(t, fixture(t, "cmyk.jpg"))
		wantPixel(t, img, 3, 3, color.RGBA{0, 255, 255, 255}, 12)
		wantPixel(t, img, 12, 12, color.RGBA{127, 127, 127, 255}, 12)
	})
	t.Run("animated.png shows its first frame", func(t *testing.T) {
		wantPixel(t, mustDecode(t, fixture(t, "animated.png")), 5, 5, color.RGBA{10, 200, 30, 255}, 0)
	})
}

// TestDecodeInterlaced covers interlaced true colour, which kovidgoyal/imaging's decoder turns
// black.
func TestDecodeInterlaced(t *testing.T) {
	ramp := gradient(19, 11)
	var raw []byte
	for _, p := range [7][4]int{{8, 8, 0, 0}, {8, 8, 4, 0}, {4, 8, 0, 4}, {4, 4, 2, 0}, {2, 4, 0, 2}, {2, 2, 1, 0}, {1, 2, 0, 1}} {
		for y := p[3]; y < 11; y += p[1] {
			if p[2] < 19 {
				raw = append(raw, 0)
			}
			for x := p[2]; x < 19; x += p[0] {
				c := ramp.NRGBAAt(x, y)
				raw = append(raw, c.R, c.G, c.B)
			}
		}
	}
	img := mustDecode(t, pngFile(pngHeader(19, 11, 8, 2, 1), pngChunk("IDAT", deflate(raw))))
	for y := range 11 {
		for x := range 19 {
			c := ramp.NRGBAAt(x, y)
			wantPixel(t, img, x, y, color.RGBA(c), 0)
		}
	}
}

func TestDecodeTransparency(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	img.SetNRGBA(0, 0, color.NRGBA{200, 100, 50, 0})
	img.SetNRGBA(1, 0, color.NRGBA{200, 100, 50, 128})
	img.SetNRGBA(2, 0, color.NRGBA{200, 100, 50, 255})
	deep := image.NewNRGBA64(img.Rect)
	draw.Draw(deep, img.Rect, img, image.Point{}, draw.Src)
	indexed := image.NewPaletted(img.Rect, color.Palette{img.At(0, 0), img.At(1, 0), img.At(2, 0)})
	copy(indexed.Pix, []byte{0, 1, 2})
	for name, img := range map[string]image.Image{"8 bits": img, "16 bits": deep, "palette": indexed} {
		t.Run(name, func(t *testing.T) {
			got := mustDecode(t, toPNG(t, img))
			wantPixel(t, got, 0, 0, white, 0)
			wantPixel(t, got, 1, 0, color.RGBA{227, 177, 152, 255}, 1)
			wantPixel(t, got, 2, 0, color.RGBA{200, 100, 50, 255}, 1)
		})
	}
	t.Run("one colour of a true-colour file", func(t *testing.T) {
		raw := []byte{0, 1, 2, 3, 9, 9, 9}
		got := mustDecode(t, pngFile(pngHeader(2, 1, 8, 2, 0), pngChunk("tRNS", []byte{0, 1, 0, 2, 0, 3}), pngChunk("IDAT", deflate(raw))))
		wantPixel(t, got, 0, 0, white, 0)
		wantPixel(t, got, 1, 0, color.RGBA{9, 9, 9, 255}, 0)
	})
}

func TestDecodeStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("the worker is stopping")
	cancel(cause)
	img, _, err := Decode(ctx, toPNG(t, gradient(4, 4)), DefaultLimits())
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || img != nil {
		t.Errorf("got %v, %v, want %v", img, err, cause)
	}
	if errors.Is(err, job.ErrDamagedImage) {
		t.Errorf("got %v, which wrongly reports a damaged picture", err)
	}
}

func TestDecodeCorruptPixels(t *testing.T) {
	data := toPNG(t, gradient(64, 64))
	at := bytes.Index(data, []byte("IDAT"))
	n := int(data[at-4])<<24 | int(data[at-3])<<16 | int(data[at-2])<<8 | int(data[at-1])
	broken := join(data[:at-4], pngChunk("IDAT", bytes.Repeat([]byte{0x78, 0x9c, 0xff}, n/3)), pngChunk("IEND", nil))
	if _, err := Inspect(broken, DefaultLimits()); err != nil {
		t.Fatalf("Inspect: got %v, want the structure accepted", err)
	}
	if _, _, err := Decode(t.Context(), broken, DefaultLimits()); !errors.Is(err, job.ErrDamagedImage) {
		t.Errorf("Decode: got %v, want %v", err, job.ErrDamagedImage)
	}
}

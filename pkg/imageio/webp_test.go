package imageio

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestDecodeWebPFixtures(t *testing.T) {
	for _, name := range []string{"lossy.webp", "orientation6.webp"} {
		t.Run(name, func(t *testing.T) {
			img := mustDecode(t, fixture(t, name))
			want := [4]color.RGBA{red, green, blue, white}
			if name == "orientation6.webp" {
				want = [4]color.RGBA{blue, red, white, green}
			}
			w, h := img.Rect.Dx(), img.Rect.Dy()
			for i, p := range []image.Point{{0, 0}, {w - 1, 0}, {0, h - 1}, {w - 1, h - 1}} {
				// Not too pale: black and white are exact, too.
				wantPixel(t, img, p.X, p.Y, want[i], 12)
			}
		})
	}
	t.Run("lossless with alpha", func(t *testing.T) {
		img := mustDecode(t, fixture(t, "lossless-alpha.webp"))
		for y := range 32 {
			for x := range 48 {
				c := color.NRGBA{uint8(x * 2), uint8(y * 4), uint8(x * y), 255}
				if x >= 24 {
					c.A = uint8(x * 5)
				}
				wantPixel(t, img, x, y, onWhite(c), 0)
			}
		}
	})
	t.Run("lossy with alpha", func(t *testing.T) {
		img := mustDecode(t, fixture(t, "lossy-alpha.webp"))
		for _, x := range []int{1, 8, 14} { // alpha rises or falls from left to right
			got := img.RGBAAt(x, 3)
			if got.R < 240 || got.G != got.B && absDiff(got.G, got.B) > 12 {
				t.Errorf("pixel (%d,3): got %v, want a tint of red", x, got)
			}
		}
		if left, right := img.RGBAAt(1, 3), img.RGBAAt(14, 3); absDiff(left.G, right.G) < 60 {
			t.Errorf("got %v and %v, want two tints", left, right)
		}
	})
	for _, name := range []string{"animated.webp", "animated.gif"} {
		t.Run(name+" shows its first frame", func(t *testing.T) {
			wantPixel(t, mustDecode(t, fixture(t, name)), 5, 5, color.RGBA{10, 200, 30, 255}, 0)
		})
	}
	t.Run("interlaced.gif", func(t *testing.T) {
		img := mustDecode(t, fixture(t, "interlaced.gif"))
		wantPixel(t, img, 4, 4, red, 0)
		wantPixel(t, img, 28, 4, green, 0)
		wantPixel(t, img, 4, 12, blue, 0)
		wantPixel(t, img, 28, 12, white, 0)
	})
}

func absDiff(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

func onWhite(c color.NRGBA) color.RGBA {
	pix := []byte{c.R, c.G, c.B, c.A}
	blendOnWhite(pix)
	return color.RGBA{pix[0], pix[1], pix[2], pix[3]}
}

// TestDecodeWebPLossless compares pixel by pixel, with a picture large enough for several sets of
// tables.
func TestDecodeWebPLossless(t *testing.T) {
	img := photo(160, 120)
	for i := range img.Pix[:len(img.Pix)/2] {
		if i%4 != 3 {
			img.Pix[i] = img.Pix[i] / 64 * 64
		}
	}
	got := mustDecode(t, toWebP(t, img, true))
	if !bytes.Equal(got.Pix, img.Pix) {
		t.Error("a lossless picture was changed")
	}
}

// TestDecodeWebPAlpha covers transparency that differs from pixel to pixel within a row.
func TestDecodeWebPAlpha(t *testing.T) {
	img := gradient(64, 48)
	for y := range 48 {
		for x := range 64 {
			img.Pix[img.PixOffset(x, y)+3] = uint8(x * 4)
		}
	}
	for _, lossless := range []bool{false, true} {
		file := toWebP(t, img, lossless)
		levels := map[bool]float64{false: 14, true: 0}[lossless]
		for name, data := range map[string][]byte{"as written": file, "extended": webpWith(t, file, nil, nil)} {
			got := mustDecode(t, data)
			for _, p := range []image.Point{{0, 0}, {63, 0}, {31, 20}, {40, 47}, {63, 47}} {
				if want := onWhite(img.NRGBAAt(p.X, p.Y)); !near(got.RGBAAt(p.X, p.Y), want, levels) {
					t.Errorf("%s, lossless %v, %v: got %v, want %v", name, lossless, p, got.RGBAAt(p.X, p.Y), want)
				}
			}
		}
	}
}

// TestFirstFrameIsPlacedOnCanvas checks that only the first frame is shown, at its position, and
// that the rest of the canvas is white.
func TestFirstFrameIsPlacedOnCanvas(t *testing.T) {
	square := toWebP(t, solid(red), true)[12:] // 16 x 16
	lossy := toWebP(t, solid(red), false)[12:]
	half := solid(red)
	for i := 3; i < len(half.Pix); i += 4 {
		half.Pix[i] = 128
	}
	translucent := toWebP(t, &image.NRGBA{Pix: half.Pix, Stride: half.Stride, Rect: half.Rect}, false)[12+18:] // ALPH, VP8
	other := animatedFrame(0, 0, 16, 16, toWebP(t, solid(blue), true)[12:])
	pixels := bytes.Repeat([]byte{1}, 16*16)
	for _, tt := range []struct {
		name   string
		data   []byte
		inside color.RGBA
	}{
		{"webp", riffFile(extended(2, 40, 30), riffChunk("ANIM", make([]byte, 6)), animatedFrame(5, 3, 16, 16, square), other), red},
		{"webp, lossy", riffFile(extended(2, 40, 30), riffChunk("ANIM", make([]byte, 6)), animatedFrame(5, 3, 16, 16, lossy), other), red},
		{"webp, translucent", riffFile(extended(2, 40, 30), animatedFrame(5, 3, 16, 16, translucent), other), color.RGBA{255, 127, 127, 255}},
		{"webp, more in the frame", riffFile(extended(2, 40, 30), animatedFrame(5, 3, 16, 16, riffChunk("JUNK", []byte{1}), square, riffChunk("JUNK", nil))), red},
		{"gif", gifFileOf(40, 30, gifFrame(10, 6, 16, 16, 0, packLZW(pixels)), gifFrame(0, 0, 40, 30, 0, packLZW(make([]byte, 1200)))), red},
		{"gif, the second frame cut", gifFileOf(40, 30, gifFrame(10, 6, 16, 16, 0, packLZW(pixels)), []byte{0x2c, 0, 0}), red},
		{"gif, odd extensions", gifFileOf(40, 30, gifExtension(0x77, []byte("?")), gifExtension(0xfe, bytes.Repeat([]byte("x"), 999)),
			gifExtension(0xf9, []byte{0, 0, 0, 1}), gifFrame(10, 6, 16, 16, 0, packLZW(pixels))), red},
		{"gif, transparent", gifFileOf(40, 30, gifExtension(0xf9, []byte{1, 0, 0, 1}), gifFrame(10, 6, 16, 16, 0, packLZW(pixels))), white},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := mustDecode(t, tt.data)
			if img.Rect != image.Rect(0, 0, 40, 30) {
				t.Fatalf("got %v, want the canvas", img.Rect)
			}
			for y := range 30 {
				for x := range 40 {
					want := white
					if image.Pt(x, y).In(image.Rect(10, 6, 26, 22)) {
						want = tt.inside
					}
					if got := img.RGBAAt(x, y); !near(got, want, 3) {
						t.Fatalf("(%d,%d): got %v, want %v", x, y, got, want)
					}
				}
			}
		})
	}
	t.Run("gif with a canvas of nothing", func(t *testing.T) {
		img := mustDecode(t, gifFileOf(0, 0, gifFrame(0, 0, 16, 16, 0, packLZW(pixels))))
		if img.Rect != image.Rect(0, 0, 16, 16) {
			t.Errorf("got %v, want the frame", img.Rect)
		}
	})
}

func TestInspectRefusesWebPAndGIF(t *testing.T) {
	lossy, lossless := toWebP(t, gradient(16, 16), false), toWebP(t, gradient(16, 16), true)
	picture := lossy[12:]
	patched := func(file []byte, at int, b ...byte) []byte {
		file = bytes.Clone(file)
		copy(file[at:], b)
		return file
	}
	pixels := packLZW(make([]byte, 16*16))
	gifOf := gifFileOf(16, 16, gifFrame(0, 0, 16, 16, 0, pixels))
	palette := 13 + 12
	wantRefused(t, []refusal{
		{"sound", []byte("RIFF\x24\x00\x00\x00WAVEfmt "), job.ErrUnsupportedImage, "looks like sound"},
		{"webp start only", lossy[:12], job.ErrDamagedImage, "ends before"},
		{"webp of nothing", riffFile(), job.ErrDamagedImage, "ends before"},
		{"webp without its end", lossy[:len(lossy)-2], job.ErrDamagedImage, "ends before"},
		{"webp that claims 4 GiB", patched(lossy, 4, 0xff, 0xff, 0xff, 0xff), job.ErrDamagedImage, "ends before"},
		{"webp with a chunk of 4 GiB", patched(lossy, 16, 0xff, 0xff, 0xff, 0xff), job.ErrDamagedImage, "ends before"},
		{"webp with another chunk first", riffFile(riffChunk("ICCP", nil), picture), job.ErrDamagedImage, "begin with its header"},
		{"webp, not a key frame", patched(lossy, 20, lossy[20]|1), job.ErrDamagedImage, "no valid header"},
		{"webp, no start code", patched(lossy, 23, 0), job.ErrDamagedImage, "no valid header"},
		{"webp of no width", patched(lossy, 26, 0, 0), job.ErrDamagedImage, "0 x 16"},
		{"webp, another lossless version", patched(lossless, 24, 0xe0), job.ErrDamagedImage, "no valid header"},
		{"webp, no lossless signature", patched(lossless, 20, 0), job.ErrDamagedImage, "no valid header"},
		{"webp with too little data", riffFile(vp8Header(8000, 5000)), job.ErrDamagedImage, "too little data"},
		{"webp of 16383 x 16383, cut", riffFile(vp8Header(16383, 16383), []byte("more"))[:30], job.ErrTooManyPixels, "268.4 megapixels"},
		{"webp of 16384 x 16384, cut", riffFile(flatVP8L(16384, 16384))[:26], job.ErrTooManyPixels, "268.4 megapixels"},
		{"webp, header cut", riffFile(riffChunk("VP8X", make([]byte, 9))), job.ErrDamagedImage, "too short"},
		{"webp, header only", riffFile(extended(0, 16, 16)), job.ErrDamagedImage, "no picture"},
		{"webp, two headers", riffFile(extended(0, 16, 16), extended(0, 16, 16), picture), job.ErrDamagedImage, "two headers"},
		{"webp with a canvas of 2^24", riffFile(extended(0, 1<<24, 1<<24), picture), job.ErrTooManyPixels, "16777216 x 16777216"},
		{"webp with another canvas", riffFile(extended(0, 4000, 4000), picture), job.ErrDamagedImage, "4000 x 4000 pixels, and its picture is 16 x 16"},
		{"webp, no room for a chunk", riffFile(extended(0, 16, 16), picture, []byte("EXIF")), job.ErrDamagedImage, "ends before"},
		{"webp, frame without header", riffFile(extended(2, 16, 16), riffChunk("ANMF", make([]byte, 15))), job.ErrDamagedImage, "no header"},
		{"webp, frame without picture", riffFile(extended(2, 16, 16), animatedFrame(0, 0, 16, 16)), job.ErrDamagedImage, "no picture"},
		{"webp, frame beyond the canvas", riffFile(extended(2, 16, 16), animatedFrame(1, 0, 16, 16, picture)), job.ErrDamagedImage, "beyond"},
		{"webp, frame far away", riffFile(extended(2, 16, 16), animatedFrame(1<<24-1, 1<<24-1, 16, 16, picture)), job.ErrDamagedImage, "beyond"},
		{"webp, frame of another size", riffFile(extended(2, 99, 99), animatedFrame(0, 0, 99, 99, picture)), job.ErrDamagedImage, "its picture is 16 x 16"},
		{"gif start only", gifOf[:6], job.ErrDamagedImage, "ends before"},
		{"gif of another version", patched(gifOf, 4, '0'), job.ErrUnsupportedImage, "version"},
		{"gif, palette cut", gifOf[:palette-1], job.ErrDamagedImage, "ends before"},
		{"gif of nothing", gifFileOf(16, 16), job.ErrDamagedImage, "no picture"},
		{"gif with an unknown block", gifFileOf(16, 16, []byte("?!")), job.ErrDamagedImage, "unknown block (0x3f)"},
		{"gif, frame cut", gifOf[:len(gifOf)-2], job.ErrDamagedImage, "ends before"},
		{"gif, frame of no width", gifFileOf(16, 16, gifFrame(0, 0, 0, 16, 0, pixels)), job.ErrDamagedImage, "0 x 16"},
		{"gif without palette", patched(gifOf, 10, 0)[:13:13], job.ErrDamagedImage, "ends before"},
		{"gif without palette, whole", join(patched(gifOf, 10, 0)[:13], gifOf[palette:]), job.ErrDamagedImage, "no palette"},
		{"gif of 12 bits", patched(gifOf, palette+10, 12), job.ErrDamagedImage, "12 bits"},
		{"gif with too little data", gifFileOf(6000, 6000, gifFrame(0, 0, 6000, 6000, 0, pixels)), job.ErrDamagedImage, "too little data"},
		{"gif of 60000 x 60000", gifFileOf(60000, 60000, gifFrame(0, 0, 1, 1, 0, pixels)), job.ErrTooManyPixels, "60000 x 60000"},
		{"gif with a far frame", gifFileOf(1, 1, gifFrame(65535, 65535, 1, 1, 0, pixels)), job.ErrTooManyPixels, "65536 x 65536"},
	})
}

// TestDecodeWebPCorrupt covers files with a valid structure and corrupt compressed pixels.
func TestDecodeWebPCorrupt(t *testing.T) {
	noise := bytes.Repeat([]byte{0xa5, 0x3c, 0x99}, 300)
	alpha := toWebP(t, &image.NRGBA{Pix: bytes.Repeat([]byte{1, 2, 3, 100}, 256), Stride: 64, Rect: image.Rect(0, 0, 16, 16)}, false)
	at := bytes.Index(alpha, []byte("ALPH"))
	for name, data := range map[string][]byte{
		"lossless noise":                riffFile(vp8lPicture(64, 64, &bitWriter{bytes: noise})),
		"lossless nothing":              riffFile(vp8lPicture(64, 64, new(bitWriter))),
		"a first part beyond the chunk": riffFile(riffChunk("VP8 ", join([]byte{0xf0, 0xff, 0xff, 0x9d, 1, 0x2a, 16, 0, 16, 0}, noise))),
		"transform twice":               riffFile(vp8lPicture(64, 64, new(bitWriter).bits(1, 1).bits(2, 2).bits(1, 1).bits(2, 2).bits(0, 99))),
		"unknown alpha":                 join(alpha[:at+8], []byte{alpha[at+8] | 3}, alpha[at+9:]),
		"gif noise":                     gifFileOf(16, 16, gifFrame(0, 0, 16, 16, 0, bytes.Repeat([]byte{0xff}, 300))),
		"gif, few pixels":               gifFileOf(16, 16, gifFrame(0, 0, 16, 16, 0, packLZW(make([]byte, 99)))),
	} {
		if _, err := Inspect(data, DefaultLimits()); err != nil {
			t.Errorf("%s: Inspect returns %v, want the structure accepted", name, err)
		}
		if _, _, err := Decode(t.Context(), data, DefaultLimits()); !errors.Is(err, job.ErrDamagedImage) {
			t.Errorf("%s: Decode returns %v, want %v", name, err, job.ErrDamagedImage)
		}
	}
}

func TestEncodeWebP(t *testing.T) {
	whole := photo(80, 60)
	part := whole.SubImage(image.Rect(10, 20, 50, 50)).(*image.RGBA)
	var b bytes.Buffer
	if err := Encode(&b, part, "webp", 100); err != nil {
		t.Fatal(err)
	}
	got := mustDecode(t, b.Bytes())
	if got.Rect != image.Rect(0, 0, 40, 30) {
		t.Fatalf("got %v, want 40 x 30", got.Rect)
	}
	var sum int
	for y := range 30 {
		for x := range 40 {
			sum += absDiff(got.RGBAAt(x, y).R, part.RGBAAt(10+x, 20+y).R)
		}
	}
	if mean := float64(sum) / 1200; mean > 8 {
		t.Errorf("a part of a picture was changed: %.1f levels of difference", mean)
	}
	t.Run("concurrently", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				var c bytes.Buffer
				if err := Encode(&c, part, "webp", 100); err != nil || !bytes.Equal(c.Bytes(), b.Bytes()) {
					t.Errorf("got %v and %d bytes, want the same %d", err, c.Len(), b.Len())
				}
			})
		}
	})
	for _, size := range []image.Point{{}, {0, 5}, {16384, 1}} {
		var c bytes.Buffer
		if err := Encode(&c, image.NewRGBA(image.Rectangle{Max: size}), "webp", 90); err == nil || c.Len() > 0 {
			t.Errorf("%v: got %v and %d bytes, want an error and none", size, err, c.Len())
		}
	}
}

// TestTooManyTableSetsAreRefused checks that a lossless picture with the most sets of tables that
// libwebp writes is decoded, and that one with more is refused quickly.
func TestTooManyTableSetsAreRefused(t *testing.T) {
	for groups, want := range map[int]bool{1: true, 256: true, maxTableSets: true, maxTableSets + 1: false, 65536: false} {
		last := groups - 1
		w := new(bitWriter).bits(0, 2).bits(1, 1).bits(0, 3).oneColor(last&255, last>>8, 0, 255)
		for range groups {
			w.codes(10, 20, 30, 255)
		}
		_, _, err := Decode(t.Context(), riffFile(vp8lPicture(64, 64, w)), DefaultLimits())
		if got := err == nil; got != want {
			t.Errorf("%d sets of tables: got %v, want accepted %v", groups, err, want)
		}
	}
	began := processorTime(t)
	if _, _, err := Decode(t.Context(), riffFile(manyTables(8000, 5000)), DefaultLimits()); err == nil {
		t.Error("65536 sets of tables were accepted")
	}
	if took := processorTime(t) - began; took > 5*time.Second {
		t.Errorf("refusing took %v", took)
	}
}

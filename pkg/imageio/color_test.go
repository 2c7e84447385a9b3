package imageio

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func solid(c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []byte{c.R, c.G, c.B, 255})
	}
	return img
}

// TestDecodeDisplayP3: the wanted values are those of Little CMS 2 for its
// relative intent.
func TestDecodeDisplayP3(t *testing.T) {
	for _, tt := range []struct{ stored, want color.RGBA }{
		{color.RGBA{200, 100, 50, 255}, color.RGBA{215, 93, 31, 255}},
		{color.RGBA{128, 128, 128, 255}, color.RGBA{128, 128, 128, 255}},
		{color.RGBA{255, 255, 255, 255}, color.RGBA{255, 255, 255, 255}},
		{color.RGBA{0, 0, 0, 255}, color.RGBA{0, 0, 0, 255}},
		// Outside of sRGB: clipped, and never black.
		{color.RGBA{104, 254, 251, 255}, color.RGBA{0, 255, 253, 255}},
		{color.RGBA{0, 255, 0, 255}, color.RGBA{0, 255, 0, 255}},
		{color.RGBA{255, 0, 0, 255}, color.RGBA{255, 0, 0, 255}},
	} {
		profile := displayP3()
		img := mustDecode(t, withChunks(toPNG(t, solid(tt.stored)), iccpChunk(profile)))
		wantPixel(t, img, 3, 3, tt.want, 1)
		wantPixel(t, mustDecode(t, webpWith(t, toWebP(t, solid(tt.stored), true), profile, nil)), 3, 3, tt.want, 1)
		wantPixel(t, mustDecode(t, webpWith(t, toWebP(t, solid(tt.stored), false), profile, nil)), 3, 3, tt.want, 6)
		for _, pieces := range []int{1, 3} {
			img := mustDecode(t, withSegments(toJPEG(t, solid(tt.stored)), iccSegments(profile, pieces)))
			wantPixel(t, img, 3, 3, tt.want, 6)
		}
	}
}

func TestDecodeProfileOfGrey(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 4, 4))
	for i := range gray.Pix {
		gray.Pix[i] = 100
	}
	img := mustDecode(t, withChunks(toPNG(t, gray), iccpChunk(displayP3())))
	wantPixel(t, img, 1, 1, color.RGBA{100, 100, 100, 255}, 1)
}

func TestDecodeProfileBeforeTransparency(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	img.SetNRGBA(0, 0, color.NRGBA{200, 100, 50, 128})
	got := mustDecode(t, withChunks(toPNG(t, img), iccpChunk(displayP3())))
	// Half of (215, 93, 31), half of white.
	wantPixel(t, got, 0, 0, color.RGBA{235, 174, 143, 255}, 2)
}

// TestDecodeProfileIgnored: what can't be used costs colour accuracy, never the
// picture.
func TestDecodeProfileIgnored(t *testing.T) {
	stored := color.RGBA{200, 100, 50, 255}
	p3 := displayP3()
	curve := srgbCurve()
	sRGB := matrixProfile(xyz(0.43607, 0.22249, 0.01392), xyz(0.38515, 0.71687, 0.09708), xyz(0.14307, 0.06061, 0.7141), curve)
	for name, profile := range map[string][]byte{
		"sRGB":             sRGB,
		"empty":            {},
		"cut":              p3[:len(p3)/2],
		"header only":      p3[:128],
		"no profile":       make([]byte, 300),
		"for grey":         iccProfile("GRAY", tag{"kTRC", curve}),
		"for CMYK":         iccProfile("CMYK", tag{"A2B0", cmykTable()}),
		"without its tags": iccProfile("RGB ", tag{"wtpt", xyz(0.9642, 1, 0.8249)}),
		"four billion tags": func() []byte {
			p := append([]byte(nil), p3...)
			copy(p[128:], be32(math.MaxUint32))
			return p
		}(),
		"tag beyond the end": func() []byte {
			p := append([]byte(nil), p3...)
			copy(p[128+4+8:], be32(math.MaxUint32-1000))
			return p
		}(),
		"endless curve": matrixProfile(xyz(0.5, 0.2, 0), xyz(0.3, 0.7, 0), xyz(0.2, 0.1, 0.8),
			join([]byte("curv\x00\x00\x00\x00"), be32(math.MaxUint32), be16(1))),
		"endless curve within a table": iccProfile("RGB ", tag{"A2B0", join([]byte("mAB \x00\x00\x00\x00\x03\x03\x00\x00"),
			be32(32), be32(0), be32(0), be32(0), be32(0), []byte("curv\x00\x00\x00\x00"), be32(1<<30), make([]byte, 64))}),
		"table of 255 inputs": iccProfile("RGB ", tag{"A2B0", join([]byte("mft1\x00\x00\x00\x00\xff\x03\x10\x00"), make([]byte, 70000))}),
	} {
		t.Run(name, func(t *testing.T) {
			allocated := allocatedBy(func() {
				img := mustDecode(t, withChunks(toPNG(t, solid(stored)), iccpChunk(profile)))
				wantPixel(t, img, 3, 3, stored, 0)
			})
			if allocated > 4<<20 {
				t.Errorf("allocated %d MiB, want at most 4", allocated>>20)
			}
		})
	}
}

// cmykTable is a lookup table for CMYK in which no ink is white, any full ink a
// middle grey, and black black: too odd to be mistaken for the formula without one.
func cmykTable() []byte {
	identity := make([]byte, 256)
	for i := range identity {
		identity[i] = byte(i)
	}
	one, zero := fixed16(1), fixed16(0)
	out := join([]byte("mft1\x00\x00\x00\x00\x04\x03\x02\x00"), one, zero, zero, zero, one, zero, zero, zero, one)
	for range 4 {
		out = append(out, identity...)
	}
	for corner := range 16 {
		switch {
		case corner == 0:
			out = append(out, 255, 128, 128)
		case corner&1 != 0:
			out = append(out, 0, 128, 128)
		default:
			out = append(out, 127, 128, 128)
		}
	}
	for range 3 {
		out = append(out, identity...)
	}
	return out
}

func TestDecodeProfileOfCMYK(t *testing.T) {
	profile := iccProfile("CMYK", tag{"A2B0", cmykTable()})
	copy(profile[20:], "Lab ")
	img := mustDecode(t, withSegments(fixture(t, "cmyk.jpg"), iccSegments(profile, 1)))
	// L* of 49.8 in sRGB.
	wantPixel(t, img, 3, 3, color.RGBA{118, 118, 118, 255}, 3)
}

// TestColorSumsAgree compares the fast conversion with the definition, for the
// primaries of Display P3 and for gammas that cameras use.
func TestColorSumsAgree(t *testing.T) {
	p3 := [3][3]float64{{0.51512, 0.2412, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.1571, 0.06657, 0.78407}}
	toSRGB := [3][3]float64{{3.1338561, -1.6168667, -0.4906146}, {-0.9787684, 1.9161415, 0.0334540}, {0.0719453, -0.2289914, 1.4052427}}
	for _, gamma := range []float64{1.1, 1.8, 2.2} {
		curve := gammaCurve(gamma)
		convert := newConversion(matrixProfile(xyz(p3[0][0], p3[0][1], p3[0][2]), xyz(p3[1][0], p3[1][1], p3[1][2]), xyz(p3[2][0], p3[2][1], p3[2][2]), curve), 3)
		if convert == nil {
			t.Fatalf("gamma %v: no conversion", gamma)
		}
		gamma = float64(int(gamma*256)) / 256
		img := noise(64, 64)
		stored := append([]byte(nil), img.Pix...)
		convert(img.Pix)
		for i := 0; i < len(stored); i += 4 {
			var xyz [3]float64
			for c := range 3 {
				for k := range 3 {
					xyz[k] += p3[c][k] * math.Pow(float64(stored[i+c])/255, gamma)
				}
			}
			for c := range 3 {
				v := toSRGB[c][0]*xyz[0] + toSRGB[c][1]*xyz[1] + toSRGB[c][2]*xyz[2]
				want := fromLinear(min(max(v, 0), 1)) * 255
				if got := float64(img.Pix[i+c]); math.Abs(got-want) > 1.2 {
					t.Fatalf("gamma %v, %v: channel %d got %v, want %.2f", gamma, stored[i:i+3], c, got, want)
				}
			}
		}
	}
}

// TestColorGridAgree: the sampled table against the evaluation that it samples,
// for a profile that is smooth.
func TestColorGridAgree(t *testing.T) {
	profile := iccProfile("CMYK", tag{"A2B0", cmykTable()})
	copy(profile[20:], "Lab ")
	convert := newConversion(profile, 4)
	if convert == nil {
		t.Fatal("no conversion")
	}
	for _, tt := range []struct{ ink, want [4]byte }{
		{[4]byte{0, 0, 0, 0}, [4]byte{255, 255, 255, 255}},
		{[4]byte{0, 0, 0, 255}, [4]byte{0, 0, 0, 255}},
		{[4]byte{255, 255, 255, 255}, [4]byte{0, 0, 0, 255}},
		{[4]byte{255, 0, 255, 0}, [4]byte{118, 118, 118, 255}},
	} {
		pix := tt.ink
		convert(pix[:])
		for c := range 4 {
			if math.Abs(float64(pix[c])-float64(tt.want[c])) > 3 {
				t.Errorf("%v: got %v, want %v", tt.ink, pix, tt.want)
			}
		}
	}
}

package imageio

import (
	"bytes"
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

// TestDecodeDisplayP3 expects the values of Little CMS 2 with relative intent.
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

// TestDecodeProfileIgnored checks that an unusable profile never makes a picture invalid.
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

// cmykTable returns a lookup table for CMYK in which no ink is white, any single full ink a middle
// grey, and full black is black: results differ clearly from those of the formula without a profile.
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

// TestMatrixShaperIsExact compares the fast conversion with the definition, for the primaries of
// Display P3 and for gammas that cameras use.
func TestMatrixShaperIsExact(t *testing.T) {
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

// TestColorGridIsNearlyExact compares the sampled table with the exact evaluation, for a smooth
// profile.
func TestColorGridIsNearlyExact(t *testing.T) {
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

// formula returns values for a table over a grid: one for each of three channels, which fall with
// the inks by different functions.
func formula(width int, grid ...int) []byte {
	cells := 1
	for _, g := range grid {
		cells *= g
	}
	var out []byte
	for cell := range cells {
		var ink [4]float64
		for axis, rest := len(grid)-1, cell; axis >= 0; axis, rest = axis-1, rest/grid[axis] {
			ink[axis] = float64(rest%grid[axis]) / float64(grid[axis]-1)
		}
		light := 1 - 0.8*(0.3*ink[0]+0.25*ink[1]*ink[1]+0.15*ink[2]+0.3*ink[3])
		for _, v := range []float64{light, 0.5 + 0.15*(ink[1]-ink[0])*light, 0.5 + 0.2*(ink[2]-ink[0])*light} {
			if width == 1 {
				out = append(out, byte(math.Round(255*v)))
			} else {
				out = append(out, be16(int(math.Round(65535*v)))...)
			}
		}
	}
	return out
}

// ramp returns a table of n values from 0 to 1 by a power.
func ramp(width, n int, gamma float64) []byte {
	var out []byte
	for i := range n {
		v := math.Pow(float64(i)/float64(n-1), gamma)
		if width == 1 {
			out = append(out, byte(math.Round(255*v)))
		} else {
			out = append(out, be16(int(math.Round(65535*v)))...)
		}
	}
	return out
}

// littleCMSProfiles returns profiles that together use all kinds of tags.
func littleCMSProfiles() map[string][]byte {
	primaries := [3][]byte{xyz(0.43607, 0.22249, 0.01392), xyz(0.38515, 0.71687, 0.09708), xyz(0.14307, 0.06061, 0.7141)}
	grey := withPCS(iccProfile("GRAY", tag{"kTRC", gammaCurve(1.8)}), "mntr", "Lab ")
	curves := join(paraTag(0, 1.5), paraTag(1, 1.2, 0.9, 0.1), paraTag(2, 1.1, 0.8, 0.1, 0.05), paraTag(0, 0.8))
	bCurves := join(curvTag(0, nil), paraTag(4, 1.1, 0.9, 0.1, 0.9, 0.1, -0.05, 0), paraTag(3, 1.05, 0.95, 0.05, 0.9, 0.2))
	mCurves := join(curvTag(16, ramp(2, 16, 0.9)), gammaCurve(1.1), []byte{0, 0}, curvTag(0, nil))
	matrix := func(numbers ...float64) (out []byte) {
		for _, n := range numbers {
			out = append(out, fixed16(n)...)
		}
		return out
	}
	toLab := matrix(0.9, 0.05, 0, -0.05, 1, 0.02, 0, 0, 0.95, 0.01, 0.02, -0.01)
	toXYZ := matrix(0.42, 0.06, 0, 0.45, 0, 0.06, 0.35, 0.02, 0.03, -0.04, -0.03, -0.02)
	modular := func(inks int, grid [4]int, precision int, matrix []byte) []byte {
		parts := [][]byte{bCurves, matrix, mCurves, clutPart(grid, precision, formula(precision, grid[:inks]...)), curves}
		var offsets [5]int
		var body []byte
		for i, p := range parts {
			offsets[i] = 32 + len(body)
			body = join(body, p, make([]byte, -len(p)&3))
		}
		return modularTag("mAB ", inks, 3, offsets, body)
	}
	mft := func(width, inks, grid int) []byte {
		g := []int{grid, grid, grid, grid}[:inks]
		in, out := 256, 256
		if width == 2 {
			in, out = 16, 20
		}
		return mftTag(width, inks, 3, grid, in, out, join(bytes.Repeat(ramp(width, in, 1.3), inks), formula(width, g...), bytes.Repeat(ramp(width, out, 1.05), 3)))
	}
	back := mftTag(1, 3, 4, 2, 0, 0, join(bytes.Repeat(ramp(1, 256, 1), 3), bytes.Repeat([]byte{200, 180, 170, 255}, 8), bytes.Repeat(ramp(1, 256, 1), 4)))
	press := ofPress("Lab ", tag{"A2B0", mft(2, 4, 3)}, tag{"A2B1", mft(2, 4, 5)}, tag{"B2A0", back})
	press[8] = 2
	// The B curves differ, so that the order of the parts matters.
	steps := join(paraTag(4, 1, -0.5, 1, 0, 0, 0, 0), paraTag(0, 2), paraTag(0, 1))
	modularBack := modularTag("mBA ", 3, 4, [5]int{32, 0, 0, 32 + len(steps), 0}, join(steps, clutPart([4]int{2, 2, 2}, 1, append(bytes.Repeat([]byte{0, 0, 0, 255}, 4), bytes.Repeat([]byte{255, 200, 200, 100}, 4)...))))
	another := ofPress("Lab ", tag{"A2B0", mft(2, 4, 3)}, tag{"B2A0", modularBack})
	another[8] = 2
	return map[string][]byte{
		"another press":       another,
		"grey":                iccProfile("GRAY", tag{"kTRC", gammaCurve(2.2)}),
		"grey in Lab":         grey,
		"linear":              matrixProfile(primaries[0], primaries[1], primaries[2], curvTag(0, nil)),
		"curves of points":    matrixProfile(primaries[0], primaries[2], primaries[1], curvTag(30, ramp(2, 30, 2))),
		"lut8Type":            ofScreen("Lab ", tag{"A2B0", mft(1, 3, 5)}),
		"lut16Type":           ofScreen("Lab ", tag{"A2B0", mft(2, 3, 4)}),
		"lutAToBType, Lab":    ofScreen("Lab ", tag{"A2B0", modular(3, [4]int{2, 3, 4}, 2, toLab)}),
		"lutAToBType, XYZ":    ofScreen("XYZ ", tag{"A2B0", modular(3, [4]int{3, 2, 5}, 1, toXYZ)}),
		"a press":             press,
		"lutAToBType of inks": withPCS(iccProfile("CMYK", tag{"A2B0", modular(4, [4]int{3, 2, 4, 5}, 2, toLab)}), "scnr", "Lab "),
	}
}

// TestMatchesLittleCMS compares with the results of Little CMS 2.19 for the profiles, with relative
// intent and black point compensation and without its optimisations.
func TestMatchesLittleCMS(t *testing.T) {
	colors := [][4]byte{{0, 0, 0, 0}, {255, 255, 255, 255}, {200, 100, 50, 20}, {10, 240, 130, 90}, {128, 128, 128, 0}, {250, 20, 200, 60}, {40, 30, 20, 200}}
	wants := map[string][7][3]int{
		"a press":             {{242, 255, 255}, {0, 0, 0}, {79, 194, 243}, {205, 136, 132}, {178, 196, 202}, {0, 148, 157}, {167, 189, 199}},
		"another press":       {{242, 255, 255}, {0, 0, 0}, {52, 187, 238}, {200, 127, 123}, {172, 191, 198}, {0, 141, 152}, {160, 185, 195}},
		"curves of points":    {{0, 0, 0}, {255, 255, 255}, {206, 55, 109}, {6, 139, 242}, {138, 138, 138}, {251, 206, 19}, {44, 19, 32}},
		"grey in Lab":         {{0, 0, 0}, {255, 255, 255}, {157, 157, 157}, {1, 1, 1}, {68, 68, 68}, {245, 245, 245}, {13, 13, 13}},
		"grey":                {{0, 0, 0}, {255, 255, 255}, {201, 201, 201}, {3, 3, 3}, {129, 129, 129}, {250, 250, 250}, {35, 35, 35}},
		"linear":              {{0, 0, 0}, {255, 255, 255}, {229, 168, 122}, {56, 248, 189}, {188, 188, 188}, {253, 79, 229}, {110, 96, 79}},
		"lut16Type":           {{244, 255, 255}, {89, 102, 107}, {123, 205, 248}, {234, 173, 168}, {190, 204, 209}, {76, 177, 184}, {231, 251, 255}},
		"lut8Type":            {{244, 255, 255}, {89, 101, 105}, {121, 205, 248}, {233, 173, 170}, {190, 203, 208}, {73, 177, 184}, {231, 250, 255}},
		"lutAToBType of inks": {{187, 240, 231}, {29, 65, 71}, {71, 180, 200}, {169, 153, 141}, {145, 189, 182}, {0, 156, 161}, {138, 185, 180}},
		"lutAToBType, Lab":    {{189, 242, 233}, {74, 119, 125}, {97, 195, 216}, {201, 176, 161}, {166, 198, 188}, {0, 177, 181}, {186, 234, 225}},
		"lutAToBType, XYZ":    {{232, 234, 241}, {162, 178, 164}, {201, 209, 217}, {208, 213, 222}, {205, 214, 221}, {186, 203, 209}, {227, 231, 238}},
	}
	for name, profile := range littleCMSProfiles() {
		p := newColorProfile(profile)
		exact := p.toLinear(map[string]int{"GRAY": 1, "RGB ": 3, "CMYK": 4}[p.space()])
		if exact == nil {
			t.Errorf("%s: no conversion", name)
			continue
		}
		for i, color := range colors {
			var v [4]float64
			for c := range v {
				v[c] = float64(color[c]) / 255
			}
			exact.apply(&v)
			for c, want := range wants[name][i] {
				if got := 255 * clamp01(fromLinear(v[c])); math.Abs(got-float64(want)) > 1 {
					t.Errorf("%s, %v: channel %d got %.2f, want %d", name, color, c, got, want)
				}
			}
		}
	}
}

// TestGreyProfileAppliesToGreyOnly checks that a grey profile applies to a grey picture only.
func TestGreyProfileAppliesToGreyOnly(t *testing.T) {
	profile := littleCMSProfiles()["grey in Lab"]
	gray := image.NewGray(image.Rect(0, 0, 4, 4))
	for i := range gray.Pix {
		gray.Pix[i] = 200
	}
	file := withChunks(toPNG(t, gray), iccpChunk(profile))
	wantPixel(t, mustDecode(t, file), 1, 1, color.RGBA{157, 157, 157, 255}, 1)
	stored := color.RGBA{200, 100, 50, 255}
	wantPixel(t, mustDecode(t, withChunks(toPNG(t, solid(stored)), iccpChunk(profile))), 1, 1, stored, 0)
}

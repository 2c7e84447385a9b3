package imageio

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// pictureWith returns a small picture with a profile, in the profile's colour space and in a format
// that stores profiles uncompressed.
func pictureWith(t testing.TB, profile []byte) []byte {
	t.Helper()
	switch string(profile[16:20]) {
	case "CMYK":
		return withSegments(fixture(t, "cmyk.jpg"), iccSegments(profile, 3+len(profile)/60_000))
	case "GRAY":
		return withSegments(fixture(t, "gray.jpg"), iccSegments(profile, 3+len(profile)/60_000))
	}
	return webpWith(t, fixture(t, "lossy.webp"), profile, nil)
}

// wantCheap checks that decoding a picture stays within what a profile may cost.
func wantCheap(t *testing.T, file []byte) {
	t.Helper()
	var err error
	start := processorTime(t)
	allocated := allocatedBy(func() { _, _, err = Decode(t.Context(), file, DefaultLimits()) })
	took := processorTime(t) - start
	if err != nil {
		t.Errorf("its profile made a picture invalid: %v", err)
	}
	if most := DecodeMemory(file); allocated > most {
		t.Errorf("allocated %d bytes, and DecodeMemory returns %d", allocated, most)
	}
	if most := int64(maxProfile + maxConversion + 1<<20); allocated > most {
		t.Errorf("allocated %d bytes, want %d at most", allocated, most)
	}
	if took > time.Second {
		t.Errorf("took %v of processor time, want less than a second", took)
	}
}

// profileBombs returns profiles that declare far more than they have.
func profileBombs() map[string][]byte {
	column := xyz(0.3, 0.3, 0.3)
	few := modularTag("mAB ", 4, 3, [5]int{0, 0, 0, 32, 0}, clutPart([4]int{255, 255, 255, 255}, 0, nil))
	manyPara := func(kind int, params ...float64) []byte {
		return bytes.Repeat(paraTag(kind, params...), 4)
	}
	halves := make([]byte, 2*16*3)
	return map[string][]byte{
		// 255^4 x 3 values of zero bytes.
		"table of precision 0":          iccProfile("RGB ", tag{"A2B0", few}),
		"table of precision 0 for CMYK": ofPress("Lab ", tag{"A2B0", few}, tag{"A2B1", few}),
		// Inverting these curves takes quadratic time.
		"curve with a dip":            matrixProfile(column, column, column, curvTag(200_000, dip(200_000))),
		"zigzag curve":                matrixProfile(column, column, column, curvTag(200_000, zigzag(200_000))),
		"dips in a modular table":     ofScreen("Lab ", tag{"A2B0", modularTag("mAB ", 3, 3, [5]int{32, 0, 0, 0, 0}, bytes.Repeat(curvTag(100_000, dip(100_000)), 3))}),
		"dips in a lut16Type":         ofScreen("Lab ", tag{"A2B0", mftTag(2, 3, 3, 2, 65535, 65535, bytes.Repeat(dip(65535), 7))}),
		"dips in one for a press":     ofPress("Lab ", tag{"A2B0", mftTag(2, 4, 3, 2, 65535, 65535, bytes.Repeat(dip(65535), 8))}),
		"parametric curves that jump": ofScreen("XYZ ", tag{"A2B0", modularTag("mAB ", 3, 3, [5]int{32, 0, 0, 0, 0}, manyPara(4, 3, -1, 1, -32768, 0.5, 32767, -32768))}),
		// NaN and infinite values.
		"powers that overflow": ofScreen("XYZ ", tag{"A2B0", modularTag("mAB ", 3, 3, [5]int{32, 0, 32, 0, 0}, manyPara(3, 32767, 32767, 32767, 32767, -32768))}),
		"far beyond a table": ofScreen("Lab ", tag{"A2B0", modularTag("mAB ", 3, 3, [5]int{0, 0, 0, 120, 32},
			join(paraTag(0, -32768), paraTag(4, 1, -32768, 0, 0, 0, -32768, 0), paraTag(3, 32767, 32767, 32767, 32767, -32768), clutPart([4]int{2, 2, 2}, 1, zigzag(12))))}),
		"negative powers":        matrixProfile(column, column, column, paraTag(0, -32768)),
		"curves divided by zero": matrixProfile(column, column, column, paraTag(2, 2, 0, 0, 0)),
		"primaries of thousands": matrixProfile(xyz(-32768, 32767, -32768), xyz(32767, -32768, 32767), xyz(32767, 32767, 32767), gammaCurve(1)),
		"white that is black":    ofPress("Lab ", tag{"A2B0", mftTag(2, 4, 3, 2, 2, 2, join(zigzag(8), halves, make([]byte, 12)))}, tag{"B2A0", mftTag(1, 3, 4, 2, 0, 0, make([]byte, 256*3+8*4+256*4))}),
		// Each part of a tag is the whole tag, and each tag the whole profile.
		"parts that are one": ofPress("Lab ", tag{"A2B0", modularTag("mAB ", 4, 3, [5]int{32, 32, 32, 32, 32}, manyPara(0, 1))}),
		"tags that are one":  overlapping(),
		"4 MiB of tags":      join(iccProfile("RGB ")[:128], be32(349_000), bytes.Repeat(join([]byte("junk"), be32(0), be32(128)), 349_000)),
		"4 MiB of curve":     matrixProfile(column, column, column, curvTag(1<<21-1000, make([]byte, 2<<20)))[:4<<20-4],
		"4 MiB of table":     largeTable(4),
	}
}

func TestProfileBombs(t *testing.T) {
	for name, profile := range profileBombs() {
		t.Run(name, func(t *testing.T) {
			wantCheap(t, pictureWith(t, profile))
			if string(profile[16:20]) == "RGB " {
				wantCheap(t, withChunks(toPNG(t, gradient(6, 5)), iccpChunk(profile)))
			}
		})
	}
}

func TestDecodeMemoryCountsProfiles(t *testing.T) {
	plain := fixture(t, "cmyk.jpg")
	file := withSegments(plain, iccSegments(largeTable(4), 64))
	allocated := func(file []byte) int64 {
		return allocatedBy(func() { mustDecode(t, file) })
	}
	counted := DecodeMemory(file) - DecodeMemory(plain)
	if more := allocated(file) - allocated(plain); more > counted {
		t.Errorf("a profile takes %d bytes, and DecodeMemory counts %d", more, counted)
	}
}

// overlapping returns a profile in which each tag is everything after the directory, which begins
// like a table whose parts overlap in the same way.
func overlapping() []byte {
	names := []string{"A2B0", "A2B1", "B2A0", "rTRC", "gTRC", "bTRC", "rXYZ", "gXYZ", "bXYZ", "kTRC"}
	tags := make([]tag, 100)
	for i := range tags {
		tags[i].name = names[i%len(names)]
	}
	tags[0].data = modularTag("mAB ", 4, 3, [5]int{32, 32, 32, 12, 32}, bytes.Repeat(paraTag(0, 2), 100))
	p := ofPress("Lab ", tags...)
	for i := range tags {
		copy(p[132+12*i+4:], join(be32(132+12*100), be32(uint32(len(tags[0].data)))))
	}
	return p
}

// TestProfileTags tests each kind of tag with each kind of count, depth and offset.
func TestProfileTags(t *testing.T) {
	try := func(name string, profile []byte) {
		t.Helper()
		for _, inks := range []int{1, 3, 4} {
			var c conversion
			start := processorTime(t)
			if allocated := allocatedBy(func() { c = newConversion(profile, inks) }); allocated > maxConversion {
				t.Errorf("%s: allocated %d bytes, want at most %d", name, allocated, maxConversion)
			}
			if took := processorTime(t) - start; took > time.Second {
				t.Errorf("%s: took %v of processor time, want less than a second", name, took)
			}
			if c != nil {
				c([]byte{0, 127, 255, 3, 255, 255, 255, 255, 1, 2, 3, 4})
			}
		}
	}
	spaces := func(name string, table func(inks int) []byte) {
		try(name+" for a screen", ofScreen("Lab ", tag{"A2B0", table(3)}))
		try(name+" for a press", ofPress("XYZ ", tag{"A2B0", table(4)}, tag{"B2A0", table(3)}))
	}
	column := xyz(0.3, 0.3, 0.3)
	curve := func(name string, data []byte) {
		try(name, matrixProfile(column, column, column, data))
		try(name+" for grey", iccProfile("GRAY", tag{"kTRC", data}))
		spaces(name+" in a table", func(inks int) []byte {
			return modularTag("mAB ", inks, 3, [5]int{32, 0, 0, 0, 32}, bytes.Repeat(data, 4))
		})
	}
	sizes := []int{0, 1, 2, 4096, 65535}
	for _, there := range sizes {
		for _, claimed := range []uint32{0, 1, 2, 4096, 65535, 1 << 31, 1<<32 - 1} {
			curve(fmt.Sprintf("curv of %d that claims %d", there, claimed), curvTag(claimed, zigzag(there)))
		}
	}
	for kind := range 6 {
		for _, params := range []int{0, 1, 4, 7} {
			for _, p := range []float64{0, 1, 1. / 65536, 32767, -32768} {
				curve(fmt.Sprintf("para %d of %d times %v", kind, params, p), paraTag(kind, slices.Repeat([]float64{p}, params)...))
			}
		}
	}
	for _, grid := range []int{0, 1, 2, 16, 255} {
		for _, channels := range []int{0, 3, 4, 255} {
			for _, data := range []int{0, 4000, 60_000} {
				for _, entries := range sizes {
					for width := 1; width <= 3; width++ {
						spaces(fmt.Sprintf("mft%d of %d channels, grid %d, %d entries, %d bytes", width, channels, grid, entries, data), func(int) []byte {
							return mftTag(width, channels, 3, grid, entries, entries, make([]byte, data))
						})
					}
				}
				for _, precision := range []int{0, 1, 2, 3, 255} {
					for _, offsets := range [][5]int{{32, 0, 0, 144, 32}, {32, 32, 32, 32, 32}, {0, 0, 0, 144, 0}, {1, 2, 3, 4, 5}, {1<<32 - 1, 1 << 31, 1<<31 - 1, 1<<32 - 21, 1}} {
						spaces(fmt.Sprintf("mAB of %d channels, grid %d, precision %d, %d bytes at %v", channels, grid, precision, data, offsets), func(int) []byte {
							body := join(bytes.Repeat(paraTag(0, 1), 7), clutPart([4]int{grid, grid, grid, grid}, precision, make([]byte, data)))
							return modularTag("mAB ", channels, 3, offsets, body)
						})
					}
				}
			}
		}
	}
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(64) {
		random := rand.New(rand.NewPCG(seed, 0))
		choices := make([]byte, 300)
		for i := range choices {
			choices[i] = byte(random.Uint32())
		}
		f.Add(choices)
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		r := recipe(choices)
		// A whole picture takes a hundred times the time of a few colours.
		whole := r.below(16) == 0
		profile := r.profile()
		if whole {
			wantCheap(t, pictureWith(t, profile))
			return
		}
		p := newColorProfile(profile)
		if p == nil {
			return
		}
		start := processorTime(t)
		allocated := allocatedBy(func() {
			inks := map[string]int{"GRAY": 1, "RGB ": 3, "CMYK": 4}[p.space()]
			exact := p.toLinear(inks)
			for i := range 256 {
				v := [4]float64{float64(i%4) / 3, float64(i/4%4) / 3, float64(i/16%4) / 3, float64(i/64) / 3}
				exact.apply(&v)
				for _, x := range v[:3] {
					fixed(fromLinear(x))
				}
			}
		})
		if allocated > 64<<10 {
			t.Errorf("allocated %d bytes for 256 colours", allocated)
		}
		if took := processorTime(t) - start; took > 200*time.Millisecond {
			t.Errorf("256 colours took %v of processor time", took)
		}
	})
}

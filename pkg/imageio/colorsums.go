package imageio

import (
	"math"
	"sync"
)

// colorSums converts by a profile of curves and a matrix, the kind that cameras,
// telephones and screens have. In linear light such a conversion is a sum: what
// the red channel's value contributes to the three channels, plus the same for
// green and blue. That makes it exact with three small tables, at about 5 ns a
// pixel; evaluating the profile takes 300 ns (3.9 s for 12 megapixels in Display
// P3, on two cores).
type colorSums struct {
	// from[channel][value] is what a value of the source's channel contributes
	// to red, green and blue, in units of 1/linearOne.
	from [3][256][3]int32
}

const (
	linearOne  = 1 << 20
	linearBits = 14 // of a linear value count in the look-up of its level
)

// newColorSums returns nil if the conversion is not such a sum.
func newColorSums(exact stages) *colorSums {
	var v [4]float64
	linear := func(r, g, b float64) [3]float64 {
		v = [4]float64{r, g, b}
		exact.apply(&v)
		return [3]float64(v[:])
	}
	black := linear(0, 0, 0)
	t := new(colorSums)
	for value := range 256 {
		x := float64(value) / 255
		for channel, sample := range [3][3]float64{linear(x, 0, 0), linear(0, x, 0), linear(0, 0, x)} {
			for c, s := range sample {
				// A third of the black goes to each summand.
				s = s - black[c]*2/3
				if !(math.Abs(s) < 100) {
					return nil
				}
				t.from[channel][value][c] = int32(math.Round(s * linearOne))
			}
		}
	}
	// Colours all over the cube, of which many have a channel that is near zero,
	// must come out as the definition has them.
	const level = 1. / 255
	for i := range 1024 {
		var in [3]byte
		random := uint32(i) * 2654435761
		for c := range in {
			in[c] = byte(min(max(int(byte(random>>(8*c+8)))*5/4-32, 0), 255))
		}
		want := linear(float64(in[0])/255, float64(in[1])/255, float64(in[2])/255)
		for c, got := range t.sum(in[0], in[1], in[2]) {
			if !(math.Abs(unit(fromLinear(float64(got)/linearOne))-unit(fromLinear(want[c]))) < level) {
				return nil
			}
		}
	}
	return t
}

func (t *colorSums) sum(r, g, b byte) [3]int32 {
	x, y, z := &t.from[0][r], &t.from[1][g], &t.from[2][b]
	return [3]int32{x[0] + y[0] + z[0], x[1] + y[1] + z[1], x[2] + y[2] + z[2]}
}

func (t *colorSums) rgb(pix []byte) {
	levels := linearLevels()
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		for c, v := range t.sum(p[0], p[1], p[2]) {
			p[c] = levels[min(max(v, 0), linearOne)>>(20-linearBits)]
		}
	}
}

// linearLevels is sRGB's curve from linear light to levels of 0..255. At its
// steepest an entry is a fifth of a level.
var linearLevels = sync.OnceValue(func() *[1<<linearBits + 1]byte {
	var levels [1<<linearBits + 1]byte
	for i := range levels {
		// The middle of the values that end up here; the last stands for one.
		v := (float64(i) + 0.5) / (1 << linearBits)
		levels[i] = byte(math.Round(min(fromLinear(v), 1) * 255))
	}
	return &levels
})

func fromLinear(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

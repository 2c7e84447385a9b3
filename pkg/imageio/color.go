package imageio

import (
	"image"
	"math"
	"slices"
)

// conversion turns pixels of 4 bytes into sRGB, in place: red, green and blue,
// leaving the fourth byte alone, or the four inks (255 is full) into opaque
// colours. It may be called concurrently.
type conversion func(pix []byte)

// newConversion returns what a profile makes of a picture of so many inks (see
// [inksOf]), or nil where there is nothing to do: no profile, sRGB, one that can't
// be understood, or one that is for another kind of picture. Browsers, too, show
// such a picture as if it had no profile.
//
// Colours that sRGB doesn't have are clipped, channel by channel, as browsers and
// Little CMS do. Whatever the profile, this takes less than 0.1 s of processor and
// maxConversion bytes; what it returns holds none of the profile.
func newConversion(profile []byte, inks int) conversion {
	p := newColorProfile(profile)
	if p == nil {
		return nil
	}
	switch space := p.space(); {
	case inks == 1 && space == "GRAY", inks == 3 && space == "RGB ", inks == 4 && space == "CMYK":
	case inks == 1 && space == "RGB ":
		inks = 3
	default:
		return nil
	}
	exact := p.toLinear(inks)
	if exact == nil {
		return nil
	}
	var c conversion
	switch inks {
	case 1:
		c = newGreyLevels(exact).grey
	case 3:
		if t := newColorSums(exact); t != nil {
			c = t.rgb
		} else {
			c = newColorGrid(exact, inks).rgb
		}
	case 4:
		return newColorGrid(exact, inks).cmyk
	}
	if c.negligible(inks) {
		return nil
	}
	return c
}

// maxConversion is the most that a conversion takes: the grid for CMYK and what
// is needed to make it.
const maxConversion = 1 << 20

// negligible reports whether a conversion moves colours by a level at most, as
// those by the many versions of sRGB do.
func (c conversion) negligible(inks int) bool {
	const step = 17 // 255 is a multiple of it
	pix := make([]byte, 0, 4*(256+16*16*16))
	for v := range 256 {
		pix = append(pix, byte(v), byte(v), byte(v), 255)
	}
	for v := 0; inks == 3 && v < 16*16*16; v++ {
		pix = append(pix, byte(v/256*step), byte(v/16%16*step), byte(v%16*step), 255)
	}
	before := slices.Clone(pix)
	c(pix)
	for i := range pix {
		if d := int(pix[i]) - int(before[i]); d < -1 || d > 1 {
			return false
		}
	}
	return true
}

// greyLevels converts grey, as equal red, green and blue, by a profile for grey.
type greyLevels [256]byte

func newGreyLevels(exact stages) *greyLevels {
	t := new(greyLevels)
	for value := range t {
		v := [4]float64{float64(value) / 255}
		exact.apply(&v)
		t[value] = byte(math.Round(255 * unit(fromLinear(v[1]))))
	}
	return t
}

func (t *greyLevels) grey(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		v := t[pix[i]]
		pix[i], pix[i+1], pix[i+2] = v, v, v
	}
}

// inksOf returns how many values a pixel of the decoded image has, as profiles
// count: 1 for grey, which is rendered as equal red, green and blue, 3 for RGB, 4
// for CMYK. Grey with alpha is decoded as RGB.
func inksOf(img image.Image) int {
	switch img.(type) {
	case *image.CMYK:
		return 4
	case *image.Gray, *image.Gray16:
		return 1
	}
	return 3
}

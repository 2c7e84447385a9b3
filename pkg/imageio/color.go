package imageio

import (
	"image"
	"math"
	"slices"
)

// conversion converts pixels of 4 bytes to sRGB in place: either red, green and blue, with the
// fourth byte unchanged, or four inks (255 is full coverage) to opaque colours. It is safe for
// concurrent use.
type conversion func(pix []byte)

// newConversion returns the conversion of a colour profile for pictures with this number of
// channels (see [channelsOf]). It returns nil if no conversion is needed or possible: there is no
// profile, it is sRGB, it is invalid, or it is for another colour space. Such a picture is shown as
// if it had no profile, as browsers do.
//
// Colours outside of sRGB are clipped channel by channel, as by browsers and Little CMS. Whatever
// the profile contains, newConversion takes less than 0.1 s of processor time and maxConversion
// bytes; its result does not refer to the profile.
func newConversion(profile []byte, channels int) conversion {
	p := newColorProfile(profile)
	if p == nil {
		return nil
	}
	switch space := p.space(); {
	case channels == 1 && space == "GRAY", channels == 3 && space == "RGB ", channels == 4 && space == "CMYK":
	case channels == 1 && space == "RGB ":
		channels = 3
	default:
		return nil
	}
	exact := p.toLinear(channels)
	if exact == nil {
		return nil
	}
	var c conversion
	switch channels {
	case 1:
		c = newGreyLevels(exact).grey
	case 3:
		if t := newMatrixShaper(exact); t != nil {
			c = t.rgb
		} else {
			c = newColorGrid(exact, channels).rgb
		}
	case 4:
		return newColorGrid(exact, channels).cmyk
	}
	if c.negligible(channels) {
		return nil
	}
	return c
}

// maxConversion is the most memory that a conversion takes, in bytes: the grid for CMYK and what
// building it needs.
const maxConversion = 1 << 20

// negligible reports whether a conversion changes no colour by more than one of 255 levels.
// Profiles that are one of the many versions of sRGB have such conversions.
func (c conversion) negligible(channels int) bool {
	const step = 17 // a divisor of 255
	pix := make([]byte, 0, 4*(256+16*16*16))
	for v := range 256 {
		pix = append(pix, byte(v), byte(v), byte(v), 255)
	}
	for v := 0; channels == 3 && v < 16*16*16; v++ {
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

// greyLevels converts grey, stored as equal red, green and blue, by a grey profile.
type greyLevels [256]byte

func newGreyLevels(exact stages) *greyLevels {
	t := new(greyLevels)
	for value := range t {
		v := [4]float64{float64(value) / 255}
		exact.apply(&v)
		t[value] = byte(math.Round(255 * clamp01(fromLinear(v[1]))))
	}
	return t
}

func (t *greyLevels) grey(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		v := t[pix[i]]
		pix[i], pix[i+1], pix[i+2] = v, v, v
	}
}

// channelsOf returns the number of channels of the decoded image as colour profiles count them:
// 1 for grey (rendered as equal red, green and blue), 3 for RGB, 4 for CMYK. Grey with alpha is
// decoded as RGB.
func channelsOf(img image.Image) int {
	switch img.(type) {
	case *image.CMYK:
		return 4
	case *image.Gray, *image.Gray16:
		return 1
	}
	return 3
}

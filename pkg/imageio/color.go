package imageio

import (
	"bytes"
	"image"

	"github.com/kovidgoyal/imaging"
	"github.com/kovidgoyal/imaging/prism/meta/icc"
)

// conversion turns pixels of 4 bytes into sRGB, in place: red, green and blue,
// leaving the fourth byte alone, or the four inks (255 is full) into opaque
// colours. It may be called concurrently.
type conversion func(pix []byte)

// newConversion returns what a profile makes of a picture of so many inks, 3
// (RGB) or 4 (CMYK), or nil where there is nothing to do: no profile, sRGB, one that
// can't be understood, or one that is for another kind of picture. Browsers, too,
// show such a picture as if it had no profile.
//
// Colours that sRGB doesn't have are clipped, channel by channel, as browsers and
// lcms do. (The library can also move them into the gamut by reducing their
// chroma, but in v1.8.19 that turns Display P3's pure red and green black.)
func newConversion(profile []byte, inks int) (c conversion) {
	if !plausibleProfile(profile) {
		return nil
	}
	// The profile reader indexes without checks in places.
	defer func() {
		if recover() != nil {
			c = nil
		}
	}()
	p, err := icc.DecodeProfile(bytes.NewReader(profile))
	if err != nil {
		return nil
	}
	if space := p.Header.DataColorSpace; inks == 3 && space != icc.ColorSpaceRGB || inks == 4 && space != icc.ColorSpaceCMYK {
		return nil
	}
	if inks == 3 && p.IsSRGB() {
		return nil
	}
	const blackPoint, clamp, mapGamut, optimize = true, false, false, true
	exact, err := p.CreateTransformerToSRGB(imaging.Relative, blackPoint, inks, clamp, mapGamut, optimize)
	if err != nil {
		return nil
	}
	if inks == 4 {
		return newColorGrid(exact, inks).cmyk
	}
	if t := newColorSums(exact); t != nil {
		return t.rgb
	}
	return newColorGrid(exact, inks).rgb
}

// inksOf returns how many values a pixel of the decoded image has, as profiles
// count: 4 for CMYK, else 3, since grey is decoded as equal red, green and blue.
func inksOf(img image.Image) int {
	if _, ok := img.(*image.CMYK); ok {
		return 4
	}
	return 3
}

package imageio

import (
	"encoding/binary"
	"math"
)

// colorProfile is an ICC profile (ICC.1:2022). It is untrusted, like the file that contains it.
//
// It is used only to convert from the device's colours to sRGB, so that no curve has to be
// inverted. Values are read from the profile's own bytes when they are needed. Whatever a profile
// declares, it therefore takes little memory and a bounded time for each colour, and its parts may
// overlap.
type colorProfile []byte

const (
	profileHeader = 128
	maxTags       = 100 // as in Little CMS
)

// newColorProfile returns nil if data is not a profile or exceeds maxProfile bytes or maxTags tags.
func newColorProfile(data []byte) colorProfile {
	if len(data) < profileHeader+4 || len(data) > maxProfile || string(data[36:40]) != "acsp" {
		return nil
	}
	if binary.BigEndian.Uint32(data[profileHeader:]) > maxTags {
		return nil
	}
	return data
}

// space returns the signature of the device's colour space.
func (p colorProfile) space() string { return string(p[16:20]) }

// lab reports whether the profile's tables convert to Lab; if not, they convert to XYZ.
func (p colorProfile) lab() bool { return string(p[20:24]) == "Lab " }

// tag returns the data of a tag, or nil if it is missing or reaches beyond the profile.
func (p colorProfile) tag(name string) []byte {
	const entry = 12
	count := binary.BigEndian.Uint32(p[profileHeader:])
	for index := p[profileHeader+4:]; count > 0 && len(index) >= entry; count, index = count-1, index[entry:] {
		if string(index[:4]) != name {
			continue
		}
		offset, size := uint64(binary.BigEndian.Uint32(index[4:])), uint64(binary.BigEndian.Uint32(index[8:]))
		if offset+size > uint64(len(p)) {
			return nil
		}
		return p[offset : offset+size]
	}
	return nil
}

// stage is one step of an evaluation. It replaces the values of a colour, one per channel, in
// place.
type stage func(v *[4]float64)

// stages are the steps of a conversion, in the order in which they are applied. nil means that
// there is no conversion, or an invalid one.
type stages []stage

func (s stages) apply(v *[4]float64) {
	for _, f := range s {
		f(v)
	}
}

// toLinear returns the conversion from the device's channels, 0..1, to linear sRGB. Colours outside
// of sRGB are below 0 or above 1.
//
// The intent is relative colorimetric with black point compensation, as in Photoshop: paper becomes
// white, and the darkest colour that a press can print becomes black.
func (p colorProfile) toLinear(channels int) stages {
	s := p.toXYZ(channels)
	if s == nil {
		return nil
	}
	black := p.blackPoint(channels, s)
	return append(s, func(v *[4]float64) {
		x, y, z := v[0], v[1], v[2]
		for c, m := range xyzToSRGB {
			// White and the black point are neutral, so the same scaling, which moves
			// the black point to zero and keeps white, applies to all channels.
			v[c] = (m[0]*x + m[1]*y + m[2]*z - black) / (1 - black)
		}
	})
}

// d50 is the white point of XYZ and Lab in profiles.
var d50 = [3]float64{0.9642, 1, 0.8249}

// xyzToSRGB is the inverse of the matrix of sRGB's primaries, adapted from its white point to d50
// (Bradford, as the ICC prescribes). It maps d50 to 1, 1, 1.
var xyzToSRGB = [3][3]float64{
	{3.13418636, -1.61720896, -0.49069406},
	{-0.97874850, 1.91613010, 0.03343340},
	{0.07196393, -0.22899387, 1.40575373},
}

// toXYZ returns the conversion from the device's channels to XYZ. It uses the profile's table for
// the intent if there is one, then its table for any intent, then its curves.
func (p colorProfile) toXYZ(channels int) stages {
	if channels == 1 {
		return p.greyToXYZ()
	}
	for _, name := range [...]string{"A2B1", "A2B0"} {
		if tag := p.tag(name); tag != nil {
			s := readLUT(tag, channels, 3)
			if s == nil {
				return nil
			}
			return append(s, p.decode(tag))
		}
	}
	if channels == 3 && !p.lab() {
		return p.matrixToXYZ()
	}
	return nil
}

func (p colorProfile) greyToXYZ() stages {
	c, _, ok := readCurve(p.tag("kTRC"))
	if !ok {
		return nil
	}
	return stages{func(v *[4]float64) {
		y := c.at(v[0])
		if p.lab() {
			y = luminance(100 * y)
		}
		v[0], v[1], v[2] = y*d50[0], y*d50[1], y*d50[2]
	}}
}

func (p colorProfile) matrixToXYZ() stages {
	var matrix [12]float64
	var curves [3]curve
	for i, channel := range [...]string{"r", "g", "b"} {
		var column [3]float64
		xyz := p.tag(channel + "XYZ")
		if len(xyz) < 8 || string(xyz[:4]) != "XYZ " || !readFixed(xyz[8:], column[:]) {
			return nil
		}
		for row := range column {
			matrix[3*row+i] = column[row]
		}
		var ok bool
		if curves[i], _, ok = readCurve(p.tag(channel + "TRC")); !ok {
			return nil
		}
	}
	return stages{curveStage(curves[:]), matrixStage(matrix)}
}

// decode returns the stage from a table's encoding of colours, 0..1, to XYZ.
func (p colorProfile) decode(tag []byte) stage {
	if !p.lab() {
		return func(v *[4]float64) {
			for c := range 3 {
				v[c] *= 1 + 32767./32768
			}
		}
	}
	scale := labScale(tag)
	return func(v *[4]float64) {
		l := scale * 100 * v[0]
		fy := (l + 16) / 116
		fx, fz := fy+(scale*255*v[1]-128)/500, fy-(scale*255*v[2]-128)/200
		v[0], v[1], v[2] = d50[0]*cubed(fx), cubed(fy), d50[2]*cubed(fz)
	}
}

// labScale returns the factor from encoded 1 to L* of 100 and a* and b* of 127. lut16Type keeps
// an encoding from before version 4, in which those are 0xff00.
func labScale(tag []byte) float64 {
	if string(tag[:4]) == "mft2" {
		return 65535. / 65280
	}
	return 1
}

// luminance returns Y, 0..1, for L*, 0..100.
func luminance(l float64) float64 { return cubed((l + 16) / 116) }

// cubed is the inverse of CIE Lab's cube root function, which is linear near black.
func cubed(f float64) float64 {
	if f <= 6./29 {
		return 3 * 36 / 841. * (f - 4./29)
	}
	return f * f * f
}

// lightness is the inverse of luminance.
func lightness(y float64) float64 {
	if y <= 216./24389 {
		return y * 24389 / 27
	}
	return 116*math.Cbrt(y) - 16
}

// blackPoint returns the luminance, 0..1, of the darkest colour of the device, which is assumed to
// be neutral and dark, as Adobe's programs do. For a printing press, the profile's own table says
// with which inks black is printed, because paper can't take all inks at full coverage. For another
// device it is the colour of its lowest value, if the profile's table is for the intent.
func (p colorProfile) blackPoint(channels int, toXYZ stages) float64 {
	var v [4]float64
	switch press := string(p[12:16]) == "prtr"; {
	case channels == 4 && press:
		tag := p.tag("B2A0")
		s := readLUT(tag, 3, channels)
		if s == nil {
			return 0
		}
		if p.lab() {
			neutral := 128 / (255 * labScale(tag))
			v = [4]float64{0, neutral, neutral}
		}
		s.apply(&v)
	case p.tag("A2B0") != nil && p.tag("A2B1") == nil:
		return 0
	case channels == 4:
		v = [4]float64{1, 1, 1, 1}
	}
	toXYZ.apply(&v)
	const lightest = 50
	return luminance(min(lightness(clamp01(v[1])), lightest))
}

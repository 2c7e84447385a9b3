package imageio

import (
	"encoding/binary"
	"math"
)

// curve is a one-dimensional function of a colour profile over 0..1: a table with linear
// interpolation, or, without a table, the formula
//
//	(a x + b)^gamma + e  for x >= d
//	c x + f              for x < d
type curve struct {
	table                   []byte // a slice of the profile, big-endian
	width                   int    // bytes per value of the table, 1 or 2
	gamma, a, b, c, d, e, f float64
}

func power(gamma float64) curve { return curve{gamma: gamma, a: 1, d: math.Inf(-1)} }

// at evaluates the curve. A table clips its argument. A formula is also evaluated outside of 0..1,
// as in Little CMS; profiles for XYB rely on that.
func (c *curve) at(x float64) float64 {
	if c.table != nil {
		x = clamp01(x)
		last := len(c.table)/c.width - 1
		x *= float64(last)
		i := min(int(x), last-1)
		low, high := sample(c.table, c.width, i), sample(c.table, c.width, i+1)
		return low + (high-low)*(x-float64(i))
	}
	if !(x >= c.d) {
		return c.c*x + c.f
	}
	base := c.a*x + c.b
	if c.gamma != 1 {
		base = math.Pow(max(base, 0), c.gamma)
	}
	return base + c.e
}

// clamp01 clips to 0..1; NaN becomes 0.
func clamp01(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}

// sample returns the value number i of a table, scaled to 0..1. width is the number of bytes of a
// value.
func sample(table []byte, width, i int) float64 {
	if width == 1 {
		return float64(table[i]) / 255
	}
	return float64(binary.BigEndian.Uint16(table[2*i:])) / 65535
}

// readCurve reads the curv or para element at the start of b and returns its length. ok is false
// if b is shorter than the element declares, or holds another type.
func readCurve(b []byte) (c curve, size int, ok bool) {
	if len(b) < 12 {
		return c, 0, false
	}
	switch string(b[:4]) {
	case "curv":
		n := uint64(binary.BigEndian.Uint32(b[8:]))
		if n > uint64(len(b)-12)/2 {
			return c, 0, false
		}
		values := b[12 : 12+2*n]
		switch n {
		case 0:
			c = power(1)
		case 1:
			c = power(float64(binary.BigEndian.Uint16(values)) / 256)
		default:
			c = curve{table: values, width: 2}
		}
		return c, 12 + len(values), true
	case "para":
		kind := int(binary.BigEndian.Uint16(b[8:]))
		count := [...]int{1, 3, 4, 5, 7}
		if kind >= len(count) {
			return c, 0, false
		}
		var p [7]float64
		if !readFixed(b[12:], p[:count[kind]]) {
			return c, 0, false
		}
		return parametric(kind, p), 12 + 4*count[kind], true
	}
	return c, 0, false
}

// parametric returns the curve of a function type of the ICC specification. The parameters are in
// the order g, a, b, c, d, e, f.
func parametric(kind int, p [7]float64) curve {
	c := curve{gamma: p[0], a: p[1], b: p[2], c: p[3], d: p[4], e: p[5], f: p[6]}
	switch kind {
	case 0:
		c = power(p[0])
	case 1, 2:
		// Constant below -b/a, where the base of the power would be negative.
		c.e, c.f = p[3], p[3]
		c.c, c.d = 0, -p[2]/p[1]
	}
	return c
}

// readFixed reads s15Fixed16 numbers into the given slice. It reports whether b holds enough of
// them to fill it.
func readFixed(b []byte, into []float64) bool {
	if len(b) < 4*len(into) {
		return false
	}
	for i := range into {
		into[i] = float64(int32(binary.BigEndian.Uint32(b[4*i:]))) / 65536
	}
	return true
}

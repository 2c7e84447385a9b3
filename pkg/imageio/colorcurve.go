package imageio

import (
	"encoding/binary"
	"math"
)

// curve is a one-dimensional function of a colour profile, for 0..1: a table that is
// interpolated linearly, or where there is none
//
//	(a x + b)^gamma + e  from x = d on
//	c x + f              below
type curve struct {
	table                   []byte // a part of the profile, big-endian
	width                   int    // bytes of a table's value, 1 or 2
	gamma, a, b, c, d, e, f float64
}

func power(gamma float64) curve { return curve{gamma: gamma, a: 1, d: math.Inf(-1)} }

// at evaluates the curve. A table clips its argument; a formula goes on outside of
// 0..1, as it does in Little CMS, which profiles for XYB rely on.
func (c *curve) at(x float64) float64 {
	if c.table != nil {
		x = unit(x)
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

// unit clips to 0..1 and turns what is not a number into 0.
func unit(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}

// sample reads value i of a table as 0..1.
func sample(table []byte, width, i int) float64 {
	if width == 1 {
		return float64(table[i]) / 255
	}
	return float64(binary.BigEndian.Uint16(table[2*i:])) / 65535
}

// readCurve reads the curv or para element with which b begins, and says how
// long it is. ok is false where b holds less than the element claims, or another one.
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

// parametric makes the curve of a function type of the ICC specification. The
// order of its parameters is g, a, b, c, d, e, f.
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

// readFixed reads numbers of the type s15Fixed16, and reports whether there are
// as many as into holds.
func readFixed(b []byte, into []float64) bool {
	if len(b) < 4*len(into) {
		return false
	}
	for i := range into {
		into[i] = float64(int32(binary.BigEndian.Uint32(b[4*i:]))) / 65536
	}
	return true
}

package imageio

import "math"

// colorGrid is a colour profile's conversion to sRGB, computed in advance for the points of a grid
// and interpolated between them. It is used for profiles that are tables themselves, as those of
// printing presses and scanners are. Computing the points takes 10 ms for RGB and 30 ms for CMYK,
// and at most twice that, whatever the size of the picture and the profile; converting a pixel
// takes about 40 ns. The error is 0.2 of 255 levels on average. It can reach 16 in a channel that
// is near zero in a saturated colour, where sRGB's curve is steep.
type colorGrid struct {
	grid     int // points on each axis
	channels int // 3 (RGB), 4 (CMYK)
	step     [256]int32
	frac     [256]int32 // distance from the grid point below, in 1/256 of a cell
	values   []int16    // red, green, blue as levels with 6 bits of fraction, the last axis fastest
}

// Grid points on each axis: as many as still let the tables fit into a processor's cache.
const (
	gridRGB  = 33
	gridCMYK = 18
)

func newColorGrid(exact stages, channels int) *colorGrid {
	t := &colorGrid{grid: gridRGB, channels: channels}
	cells := gridRGB * gridRGB * gridRGB
	if channels == 4 {
		t.grid = gridCMYK
		cells = gridCMYK * gridCMYK * gridCMYK * gridCMYK
	}
	for v := range 256 {
		at := v * (t.grid - 1)
		// The last grid point is the end of the cell before it.
		cell := min(at/255, t.grid-2)
		t.step[v] = int32(cell)
		t.frac[v] = int32(((at-cell*255)*256 + 127) / 255)
	}
	t.values = make([]int16, 3*cells)
	scale := 1 / float64(t.grid-1)
	parallelRows(cells/t.grid, func(from, to int) {
		var v [4]float64
		for row := from; row < to; row++ {
			for last := range t.grid {
				cell := row*t.grid + last
				for axis, rest := channels-1, cell; axis >= 0; axis, rest = axis-1, rest/t.grid {
					v[axis] = float64(rest%t.grid) * scale
				}
				exact.apply(&v)
				for c := range 3 {
					t.values[3*cell+c] = fixed(fromLinear(v[c]))
				}
			}
		}
	})
	return t
}

// fixed converts a value of 0..1, or somewhat outside of it, to a level of 0..255 as a fixed-point
// number with 6 bits after the point. NaN becomes 0.
func fixed(v float64) int16 {
	const least, most = -2, 2 // times 255 and 64, the largest that fits
	if math.IsNaN(v) {
		return 0
	}
	return int16(math.Round(min(max(v, least), most) * 255 * 64))
}

// rgb converts pixels of red, green, blue and alpha in place. Alpha does not change.
func (t *colorGrid) rgb(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		base := int(t.step[p[0]])*t.grid*t.grid + int(t.step[p[1]])*t.grid + int(t.step[p[2]])
		r, g, b := t.cell(base, t.frac[p[0]], t.frac[p[1]], t.frac[p[2]])
		p[0], p[1], p[2] = level(r), level(g), level(b)
	}
}

// cmyk converts pixels of four inks, one byte each with 255 for full ink, to opaque RGBA in place.
func (t *colorGrid) cmyk(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		// Cyan is the slowest axis; for each of its grid points the other three axes form
		// a cube.
		cube := t.grid * t.grid * t.grid
		base := int(t.step[p[0]])*cube + int(t.step[p[1]])*t.grid*t.grid + int(t.step[p[2]])*t.grid + int(t.step[p[3]])
		r0, g0, b0 := t.cell(base, t.frac[p[1]], t.frac[p[2]], t.frac[p[3]])
		r1, g1, b1 := t.cell(base+cube, t.frac[p[1]], t.frac[p[2]], t.frac[p[3]])
		f := t.frac[p[0]]
		p[0], p[1], p[2], p[3] = level(r0+(r1-r0)*f/256), level(g0+(g1-g0)*f/256), level(b0+(b1-b0)*f/256), 255
	}
}

// cell interpolates within the cube at base: from its near corner to its far corner along its
// edges, the axis with the largest fraction first (tetrahedral interpolation, which keeps greys
// neutral where trilinear interpolation would not).
func (t *colorGrid) cell(base int, fx, fy, fz int32) (r, g, b int32) {
	x, y, z := 3*t.grid*t.grid, 3*t.grid, 3
	// Sort the three axes by fraction, largest first.
	if fx < fy {
		fx, fy, x, y = fy, fx, y, x
	}
	if fy < fz {
		fy, fz, y, z = fz, fy, z, y
	}
	if fx < fy {
		fx, fy, x, y = fy, fx, y, x
	}
	v := t.values
	o0 := 3 * base
	o1 := o0 + x
	o2 := o1 + y
	o3 := o2 + z
	w0, w1, w2, w3 := 256-fx, fx-fy, fy-fz, fz
	mix := func(c int) int32 {
		return (w0*int32(v[o0+c]) + w1*int32(v[o1+c]) + w2*int32(v[o2+c]) + w3*int32(v[o3+c])) >> 8
	}
	return mix(0), mix(1), mix(2)
}

// level rounds and clips a value of the table.
func level(v int32) byte { return byte(min(max((v+32)>>6, 0), 255)) }

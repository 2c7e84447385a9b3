package imageio

import (
	"encoding/binary"
	"slices"
)

// readLUT reads a tag that converts colours by tables: lut8Type, lut16Type, lutAToBType or
// lutBToAType. It returns nil for other tags, other numbers of channels, and truncated tables.
// Nothing is copied; the time of an evaluation does not depend on the size of the tables.
func readLUT(tag []byte, in, out int) stages {
	if len(tag) < 32 || int(tag[8]) != in || int(tag[9]) != out {
		return nil
	}
	switch string(tag[:4]) {
	case "mft1":
		return readMFT(tag, 1)
	case "mft2":
		return readMFT(tag, 2)
	case "mAB ":
		return readModular(tag, false)
	case "mBA ":
		return readModular(tag, true)
	}
	return nil
}

// readMFT reads the parts of a lut8Type or lut16Type tag, which follow each other: a matrix,
// curves, a table and curves.
func readMFT(tag []byte, width int) stages {
	in, out, grid := int(tag[8]), int(tag[9]), tag[10]
	inEntries, outEntries, at := 256, 256, 48
	if width == 2 {
		at = 52
	}
	if len(tag) < at {
		return nil
	}
	if width == 2 {
		inEntries, outEntries = int(binary.BigEndian.Uint16(tag[48:])), int(binary.BigEndian.Uint16(tag[50:]))
	}
	var matrix [12]float64
	readFixed(tag[12:], matrix[:9])
	rest := tag[at:]
	inCurves, rest := cutTables(rest, width, in, inEntries)
	table, rest := cutCLUT(rest, width, in, out, []byte{grid, grid, grid, grid})
	outCurves, _ := cutTables(rest, width, out, outEntries)
	if inCurves == nil || table == nil || outCurves == nil {
		return nil
	}
	s := stages{inCurves, table.apply, outCurves}
	if in == 3 && matrix != [12]float64{1, 0, 0, 0, 1, 0, 0, 0, 1} {
		s = append(stages{matrixStage(matrix)}, s...)
	}
	return s
}

// cutTables reads curves of the given number of entries, one per channel, from the start of b and
// returns the rest. It returns nil if b is too short.
func cutTables(b []byte, width, channels, entries int) (stage, []byte) {
	size := width * entries
	if entries < 2 || len(b) < size*channels {
		return nil, nil
	}
	curves := make([]curve, channels)
	for i := range curves {
		curves[i] = curve{table: b[i*size : (i+1)*size], width: width}
	}
	return curveStage(curves), b[channels*size:]
}

// readModular reads a tag that declares the offsets of its parts. Towards the profile's colour
// space they are applied in the order A curves, CLUT, M curves, matrix, B curves; towards the
// device in reverse.
func readModular(tag []byte, toDevice bool) stages {
	in, out := int(tag[8]), int(tag[9])
	device, pcs := in, out
	if toDevice {
		device, pcs = out, in
	}
	part := func(i int) (data []byte, given bool) {
		offset := binary.BigEndian.Uint32(tag[12+4*i:])
		if uint64(offset) > uint64(len(tag)) {
			return nil, true
		}
		return tag[offset:], offset != 0
	}
	var s stages
	ok := true
	add := func(f stage) {
		ok = ok && f != nil
		s = append(s, f)
	}
	const curvesB, matrix, curvesM, table, curvesA = 0, 1, 2, 3, 4
	if data, given := part(curvesA); given {
		add(readCurves(data, device))
	}
	if data, given := part(table); given {
		add(readCLUT(data, in, out))
	} else if in != out {
		return nil
	}
	if data, given := part(curvesM); given {
		add(readCurves(data, pcs))
	}
	if data, given := part(matrix); given {
		var m [12]float64
		ok = ok && readFixed(data, m[:])
		add(matrixStage(m))
	}
	if data, given := part(curvesB); given {
		add(readCurves(data, pcs))
	}
	if !ok {
		return nil
	}
	if toDevice {
		slices.Reverse(s)
	}
	return s
}

// readCurves reads consecutive curves, each aligned to four bytes.
func readCurves(b []byte, channels int) stage {
	curves := make([]curve, channels)
	for i := range curves {
		c, size, ok := readCurve(b)
		if !ok {
			return nil
		}
		curves[i] = c
		b = b[min((size+3)&^3, len(b)):]
	}
	return curveStage(curves)
}

func curveStage(curves []curve) stage {
	return func(v *[4]float64) {
		for i := range curves {
			v[i] = curves[i].at(v[i])
		}
	}
}

// matrixStage multiplies by a 3 x 3 matrix, stored by rows, and adds the last three numbers.
func matrixStage(m [12]float64) stage {
	return func(v *[4]float64) {
		x, y, z := v[0], v[1], v[2]
		for i := range 3 {
			v[i] = m[3*i]*x + m[3*i+1]*y + m[3*i+2]*z + m[9+i]
		}
	}
}

// readCLUT reads the table of a modular tag, which begins with the grid points on each of up to 16
// axes and the number of bytes per value.
func readCLUT(b []byte, in, out int) stage {
	if len(b) < 20 {
		return nil
	}
	table, _ := cutCLUT(b[20:], int(b[16]), in, out, b[:4])
	if table == nil {
		return nil
	}
	return table.apply
}

// A clut (colour lookup table) has values for the points of a grid in three or four dimensions.
type clut struct {
	values  []byte // a slice of the profile, the last axis fastest
	width   int    // bytes per value, 1 or 2
	grid    [4]int // points on each axis, at least 2
	in, out int    // channels, 3 or 4
}

// cutCLUT reads a table from the start of b and returns the rest. It returns nil if b is too short.
func cutCLUT(b []byte, width, in, out int, grid []byte) (*clut, []byte) {
	if width != 1 && width != 2 {
		return nil, nil
	}
	t := &clut{width: width, in: in, out: out}
	size := uint64(width * out) // at most 8 times 255^4: no overflow
	for axis := range in {
		if grid[axis] < 2 {
			return nil, nil
		}
		t.grid[axis] = int(grid[axis])
		size *= uint64(grid[axis])
	}
	if size > uint64(len(b)) {
		return nil, nil
	}
	t.values = b[:size]
	return t, b[size:]
}

// apply interpolates: in three dimensions within the tetrahedron around the point, in four
// linearly between two such results.
func (t *clut) apply(v *[4]float64) {
	var (
		step [4]int // from a grid point to the next one, in values
		frac [4]float64
		base int
	)
	stride := t.out
	for axis := t.in - 1; axis >= 0; axis-- {
		x := clamp01(v[axis]) * float64(t.grid[axis]-1)
		cell := min(int(x), t.grid[axis]-2)
		base += cell * stride
		step[axis], frac[axis] = stride, x-float64(cell)
		stride *= t.grid[axis]
	}
	if t.in == 3 {
		*v = t.tetrahedron(base, [3]int(step[:3]), [3]float64(frac[:3]))
		return
	}
	low := t.tetrahedron(base, [3]int(step[1:]), [3]float64(frac[1:]))
	high := t.tetrahedron(base+step[0], [3]int(step[1:]), [3]float64(frac[1:]))
	for c := range t.out {
		v[c] = low[c] + (high[c]-low[c])*frac[0]
	}
}

// tetrahedron interpolates from the near corner of a cell to its far corner along its edges, the
// axis with the largest fraction first.
func (t *clut) tetrahedron(at int, step [3]int, frac [3]float64) (v [4]float64) {
	swap := func(i, j int) {
		if frac[i] < frac[j] {
			frac[i], frac[j], step[i], step[j] = frac[j], frac[i], step[j], step[i]
		}
	}
	swap(0, 1)
	swap(1, 2)
	swap(0, 1)
	add := func(weight float64) {
		if weight == 0 {
			return
		}
		for c := range t.out {
			v[c] += weight * sample(t.values, t.width, at+c)
		}
	}
	add(1 - frac[0])
	at += step[0]
	add(frac[0] - frac[1])
	at += step[1]
	add(frac[1] - frac[2])
	at += step[2]
	add(frac[2])
	return v
}

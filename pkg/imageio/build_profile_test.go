package imageio

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Builders of colour profiles, and a generator of profiles from a fuzzer's input. See build_test.go
// for the builders of files.

func curvTag(claimed uint32, values []byte) []byte {
	return join([]byte("curv\x00\x00\x00\x00"), be32(claimed), values)
}

func paraTag(kind int, params ...float64) []byte {
	out := join([]byte("para\x00\x00\x00\x00"), be16(kind), be16(0))
	for _, p := range params {
		out = append(out, fixed16(p)...)
	}
	return out
}

// mftTag returns a lut8Type or lut16Type tag, depending on the width of its values in bytes. The
// matrix is the identity.
func mftTag(width, in, out, grid, inEntries, outEntries int, data []byte) []byte {
	head := join([]byte{'m', 'f', 't', byte('0' + width), 0, 0, 0, 0, byte(in), byte(out), byte(grid), 0})
	for i := range 9 {
		head = append(head, be32(map[bool]uint32{true: 1 << 16}[i%4 == 0])...)
	}
	if width == 2 {
		head = join(head, be16(inEntries), be16(outEntries))
	}
	return join(head, data)
}

// modularTag returns a lutAToBType or lutBToAType tag with the offsets of B curves, matrix, M
// curves, table and A curves; body starts at offset 32.
func modularTag(kind string, in, out int, offsets [5]int, body []byte) []byte {
	head := join([]byte(kind), make([]byte, 4), []byte{byte(in), byte(out), 0, 0})
	for _, o := range offsets {
		head = append(head, be32(uint32(o))...)
	}
	return join(head, body)
}

// clutPart returns the table of a modular tag.
func clutPart(grid [4]int, precision int, values []byte) []byte {
	head := make([]byte, 20)
	for i, g := range grid {
		head[i] = byte(g)
	}
	head[16] = byte(precision)
	return join(head, values)
}

// zigzag returns a table of 16-bit values that alternately rise and fall.
func zigzag(n int) []byte {
	return bytes.Repeat([]byte{0x10, 0, 0xf0, 0}, (n+1)/2)[:2*n]
}

// dip returns a table of 16-bit values that falls at first and is flat from then on: it lacks most
// values, so that a search for one goes to its end.
func dip(n int) []byte { return join([]byte{0, 1}, make([]byte, 2*n-2)) }

// ofScreen and ofPress return profiles with tables, of a screen and of a printing press.
func ofScreen(pcs string, tags ...tag) []byte {
	return withPCS(iccProfile("RGB ", tags...), "mntr", pcs)
}
func ofPress(pcs string, tags ...tag) []byte {
	return withPCS(iccProfile("CMYK", tags...), "prtr", pcs)
}

func withPCS(profile []byte, class, pcs string) []byte {
	copy(profile[12:], class)
	copy(profile[20:], pcs)
	return profile
}

// largeTable returns a profile of nearly the largest size that is used.
func largeTable(inks int) []byte {
	grid := map[int]int{3: 109, 4: 33}[inks]
	values := 3
	for range inks {
		values *= grid
	}
	t := mftTag(1, inks, 3, grid, 0, 0, make([]byte, 256*inks+values+256*3))
	if inks == 4 {
		return ofPress("Lab ", tag{"A2B0", t})
	}
	return ofScreen("Lab ", tag{"A2B0", t})
}

// recipe is a stream of choices from a fuzzer's input. After its end all choices are 0.
type recipe []byte

func (r *recipe) byte() int {
	if len(*r) == 0 {
		return 0
	}
	b := (*r)[0]
	*r = (*r)[1:]
	return int(b)
}

func (r *recipe) below(n int) int { return r.byte() % n }

// rarely returns true in one case of fifty: a profile has about twenty such choices, and each can
// make it invalid.
func (r *recipe) rarely() bool { return r.byte() > 250 }

func (r *recipe) pick(values ...int) int { return values[r.below(len(values))] }

// fill returns n bytes of one of several kinds.
func (r *recipe) fill(n int) []byte {
	out := make([]byte, n)
	switch seed := uint32(r.byte()); r.below(6) {
	case 0: // rising
		for i := range out {
			out[i] = byte(i * 256 / n)
		}
	case 1:
		copy(out, zigzag(n/2))
	case 2: // all the same
		for i := range out {
			out[i] = byte(seed)
		}
	case 3: // from the input itself
		copy(out, *r)
	case 4:
		copy(out, dip(n/2+1))
	case 5:
		for i := range out {
			seed = seed*1664525 + 1013904223
			out[i] = byte(seed >> 24)
		}
	}
	return out
}

func (r *recipe) number() float64 {
	switch r.below(8) {
	case 0:
		return 0
	case 1:
		return float64(r.byte())
	case 2:
		return -float64(r.byte()) / 16
	case 3:
		return math.MaxInt16
	case 4:
		return math.MinInt16
	case 5:
		return 1. / 65536
	}
	return float64(r.byte()) / 64
}

func (r *recipe) curve() []byte {
	if r.below(2) == 0 {
		kind := r.below(5)
		params := make([]float64, []int{1, 3, 4, 5, 7}[kind])
		for i := range params {
			params[i] = r.number()
		}
		if r.rarely() {
			kind = r.below(7)
		}
		return paraTag(kind, params...)
	}
	n := r.pick(0, 1, 2, 3, 16, 256, 1024, 4096)
	claimed := uint32(n)
	if r.rarely() {
		claimed = uint32(r.pick(n+1, 2*n, 1<<31, 1<<32-1, 1<<31-1, 65536))
	}
	return curvTag(claimed, r.fill(2*n))
}

// curves are padded, each to a multiple of four.
func (r *recipe) curves(n int) []byte {
	var out []byte
	for range n {
		c := r.curve()
		out = join(out, c, make([]byte, -len(c)&3))
	}
	return out
}

// channels usually returns the wanted number.
func (r *recipe) channels(wanted int) int {
	if r.rarely() {
		return r.pick(0, 1, 2, 3, 4, 5, 15, 16, 255)
	}
	return wanted
}

// values returns the values of a table with a grid, truncated if there are too many.
func (r *recipe) values(width, in, out int, grid [4]int) []byte {
	n := width * out
	for i := range min(in, 4) {
		n = min(n*grid[i], 1<<17)
	}
	if r.rarely() {
		n = n * r.below(8) / 8
	}
	return r.fill(n)
}

// points returns the number of grid points on an axis.
func (r *recipe) points() int {
	if r.rarely() {
		return r.pick(0, 1, 33, 255)
	}
	return r.pick(2, 2, 3, 5, 9)
}

// entries returns the number of entries of a lut16Type's curves.
func (r *recipe) entries() int {
	if r.rarely() {
		return r.pick(0, 1, 65535)
	}
	return r.pick(2, 3, 256, 4096)
}

func (r *recipe) mft(in, out int) []byte {
	width := 1 + r.below(2)
	grid := r.points()
	in, out = r.channels(in), r.channels(out)
	inEntries, outEntries := 256, 256
	if width == 2 {
		inEntries, outEntries = r.entries(), r.entries()
	}
	data := join(r.fill(min(width*in*inEntries, 1<<16)), r.values(width, in, out, [4]int{grid, grid, grid, grid}), r.fill(min(width*out*outEntries, 1<<16)))
	t := mftTag(width, in, out, grid, inEntries, outEntries, data)
	if r.rarely() {
		for i := range 9 {
			copy(t[12+4*i:], fixed16(r.number()))
		}
	}
	return t
}

func (r *recipe) modular(kind string, in, out int) []byte {
	device, pcs := in, out
	if kind == "mBA " {
		device, pcs = out, in
	}
	var grid [4]int
	for i := range grid {
		grid[i] = r.points()
	}
	precision := 1 + r.below(2)
	if r.rarely() {
		precision = r.pick(0, 3, 4, 255)
	}
	var matrix []byte
	for range 12 {
		matrix = append(matrix, fixed16(r.number())...)
	}
	parts := [5][]byte{r.curves(pcs), matrix, r.curves(pcs), clutPart(grid, precision, r.values(min(precision, 2), in, out, grid)), r.curves(device)}
	var offsets [5]int
	var body []byte
	for i, p := range parts {
		if i != 3 && r.below(4) == 0 {
			continue // left out
		}
		offsets[i] = 32 + len(body)
		body = append(body, p...)
	}
	for r.rarely() { // overlaps, and beyond the end
		offsets[r.below(5)] = r.pick(offsets[r.below(5)], offsets[r.below(5)]+4, r.byte(), 1<<32-1, 32+len(body), 1<<31, 8)
	}
	return modularTag(kind, r.channels(in), r.channels(out), offsets, body)
}

// profile builds a profile with few faults, so that most of it is evaluated.
func (r *recipe) profile() []byte {
	space := []string{"RGB ", "CMYK", "RGB ", "CMYK", "RGB ", "CMYK", "GRAY"}[r.below(7)]
	inks := map[string]int{"CMYK": 4, "GRAY": 1}[space]
	if inks == 0 {
		inks = 3
	}
	table := func() []byte {
		if r.below(2) == 0 {
			return r.mft(inks, 3)
		}
		return r.modular("mAB ", inks, 3)
	}
	var tags []tag
	if inks == 4 || inks == 3 && r.below(3) > 0 {
		for _, name := range [...][]string{{"A2B0"}, {"A2B1"}, {"A2B0", "A2B1"}}[r.below(3)] {
			tags = append(tags, tag{name, table()})
		}
		if r.below(2) == 0 {
			back := r.modular("mBA ", 3, inks)
			if r.below(2) == 0 {
				back = r.mft(3, inks)
			}
			tags = append(tags, tag{"B2A0", back})
		}
	} else {
		for _, c := range []string{"r", "g", "b"} {
			tags = append(tags, tag{c + "TRC", r.curve()}, tag{c + "XYZ", xyz(r.number()/4, r.number()/4, r.number()/4)})
		}
		tags = append(tags, tag{"kTRC", r.curve()})
	}
	p := withPCS(iccProfile(space, tags...), []string{"mntr", "prtr", "scnr", "link"}[r.below(4)], []string{"XYZ ", "Lab "}[r.below(2)])
	if r.rarely() {
		copy(p[128:], be32(uint32(r.pick(0, 1, len(tags)+1, 100, 101, 1<<31, 1<<32-1))))
	}
	for r.rarely() { // an entry of the directory, which then overlaps another or ends elsewhere
		entry := p[132+12*r.below(len(tags)):]
		other := binary.BigEndian.Uint32(p[132+12*r.below(len(tags))+4:])
		copy(entry[4+4*r.below(2):], be32(uint32(r.pick(int(other), int(other)+4*r.byte(), 0, 128, len(p), len(p)-12, 1<<31, 1<<32-1))))
	}
	return p
}

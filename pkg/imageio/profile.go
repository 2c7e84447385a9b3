package imageio

import (
	"bytes"
	"encoding/binary"
)

// profileChunks collects the pieces in which a JPEG file carries its profile:
// segments hold 64 KB, and profiles can be larger.
type profileChunks struct {
	pieces [256][]byte
	total  int
	bad    bool
}

// add takes an APP2 segment, whether it belongs to a profile or not. It keeps a
// part of the file's own memory and copies nothing.
func (c *profileChunks) add(segment []byte) {
	piece, ok := bytes.CutPrefix(segment, []byte("ICC_PROFILE\x00"))
	if !ok {
		return
	}
	if len(piece) < 2 {
		c.bad = true
		return
	}
	number, total := int(piece[0]), int(piece[1])
	if number == 0 || number > total || c.total != 0 && c.total != total || c.pieces[number] != nil {
		c.bad = true
		return
	}
	c.total = total
	c.pieces[number] = piece[2:]
}

// join returns a function that puts the pieces together, or nil if there are
// none or one is missing.
func (c *profileChunks) join() func() []byte {
	if c.bad || c.total == 0 {
		return nil
	}
	pieces := c.pieces[1 : c.total+1]
	size := 0
	for _, p := range pieces {
		if p == nil {
			return nil
		}
		size += len(p)
	}
	if size > maxProfile {
		return nil
	}
	return func() []byte { return bytes.Join(pieces, nil) }
}

// plausibleProfile reports whether a profile's own lengths fit into it. The
// profile reader of kovidgoyal/imaging believes them: a hundred bytes that claim
// four billion tags, or a curve of four billion points, would have it allocate
// tens of gigabytes, and no recover survives that.
func plausibleProfile(p []byte) bool {
	const header, entry, maxTags = 128, 12, 100
	if len(p) < header+4 || len(p) > maxProfile {
		return false
	}
	tags := uint64(binary.BigEndian.Uint32(p[header:]))
	data := header + 4 + tags*entry
	if tags > maxTags || data > uint64(len(p)) {
		return false
	}
	for t := range tags {
		e := p[header+4+t*entry:]
		offset, size := uint64(binary.BigEndian.Uint32(e[4:])), uint64(binary.BigEndian.Uint32(e[8:]))
		if offset < data || offset+size > uint64(len(p)) {
			return false
		}
		if !plausibleTag(p[offset : offset+size]) {
			return false
		}
	}
	return true
}

// plausibleTag checks the types of tag that hold counts.
func plausibleTag(tag []byte) bool {
	if len(tag) < 12 {
		return true // too short for anything that allocates
	}
	kind := string(tag[:4])
	switch kind {
	case "mft1", "mft2", "mAB ", "mBA ":
		// Channels in and out: three or four. The size of a table is a power
		// with the number of inputs as exponent.
		if in, out := tag[8], tag[9]; in < 1 || in > 4 || out < 1 || out > 4 {
			return false
		}
	}
	switch kind {
	case "curv", "mAB ", "mBA ":
		// The curves within a compound tag can stand anywhere in it, so every
		// place that could be read as one must hold what it claims.
		for rest := tag; ; {
			i := bytes.Index(rest, []byte("curv"))
			if i < 0 {
				return true
			}
			if rest = rest[i+4:]; len(rest) < 8 {
				return true
			}
			if count := uint64(binary.BigEndian.Uint32(rest[4:])); count*2 > uint64(len(rest)-8) {
				return false
			}
		}
	}
	return true
}

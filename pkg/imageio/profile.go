package imageio

import "bytes"

// profileChunks collects the segments of a JPEG file that hold its colour profile: a segment holds
// at most 64 KB, and profiles can be larger.
type profileChunks struct {
	pieces [256][]byte
	total  int
	bad    bool
}

// add records an APP2 segment if it belongs to a profile. It keeps a reference to the file's
// memory and copies nothing.
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

// join returns a function that returns the whole profile, and the profile's size in bytes. The
// function is nil if there is no profile, a segment is missing, or the profile is too large.
func (c *profileChunks) join() (profile func() []byte, size int64) {
	if c.bad || c.total == 0 {
		return nil, 0
	}
	pieces := c.pieces[1 : c.total+1]
	for _, p := range pieces {
		if p == nil {
			return nil, 0
		}
		size += int64(len(p))
	}
	if size > maxProfile {
		return nil, 0
	}
	return func() []byte { return bytes.Join(pieces, nil) }, size
}

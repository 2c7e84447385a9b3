package imageio

import "bytes"

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

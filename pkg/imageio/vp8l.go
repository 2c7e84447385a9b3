package imageio

// maxHuffmanGroups bounds the sets of Huffman tables that a lossless WebP picture
// may bring: 2600 are what libwebp writes at most. The decoder sets up to 53 KB
// aside for each, 140 MB for as many, and a file of 14 MB can ask for 65536 of
// them: 3.4 GB.
const maxHuffmanGroups = 2600

// checkHuffmanGroups refuses a lossless bit stream, from behind its header, that
// has too many sets of Huffman tables. How many there are is known only once the
// image was read that says where each counts, and that comes behind others which
// are compressed like it; so this reads all of them, but keeps no pixels: none of
// what it has to know depends on the place of a pixel.
//
// Those images have a sixteenth of the picture's pixels at most, a thousandth in
// what encoders write.
func checkHuffmanGroups(stream []byte, width, height int) error {
	b := &bitStream{data: stream}
	groups, ok := b.huffmanGroups(width, height)
	switch {
	case !ok || b.short:
		return damaged("the WebP file's compressed picture is corrupt")
	case groups > maxHuffmanGroups:
		return damaged("the WebP file has too many Huffman tables (%d)", groups)
	}
	return nil
}

// bitStream reads bits, the least significant of a byte first.
type bitStream struct {
	data  []byte
	at    uint // in bits
	short bool // more was asked for than there is
}

// read returns the next n bits, at most 24.
func (b *bitStream) read(n uint) uint32 {
	if b.at+n > 8*uint(len(b.data)) {
		b.short = true
		return 0
	}
	var v uint32
	for i, c := range b.data[b.at/8 : min(b.at/8+4, uint(len(b.data)))] {
		v |= uint32(c) << (8 * i)
	}
	v = v >> (b.at % 8) & (1<<n - 1)
	b.at += n
	return v
}

// huffmanGroups reads up to where the picture's own tables begin.
func (b *bitStream) huffmanGroups(width, height int) (groups int, ok bool) {
	tiles := func(n int, bits uint32) int { return (n + 1<<bits - 1) >> bits }
	const predictor, crossColor, subtractGreen, colorIndexing = 0, 1, 2, 3
	for seen := [4]bool{}; b.read(1) == 1; {
		kind := b.read(2)
		if seen[kind] {
			return 0, false
		}
		seen[kind] = true
		switch kind {
		case predictor, crossColor:
			bits := b.read(3) + 2
			if _, ok := b.skipImage(tiles(width, bits), tiles(height, bits)); !ok {
				return 0, false
			}
		case colorIndexing:
			colors := int(b.read(8)) + 1
			if _, ok := b.skipImage(colors, 1); !ok {
				return 0, false
			}
			switch {
			case colors <= 2:
				width = tiles(width, 3)
			case colors <= 4:
				width = tiles(width, 2)
			case colors <= 16:
				width = tiles(width, 1)
			}
		case subtractGreen:
		}
	}
	if _, ok := b.cacheSize(); !ok {
		return 0, false
	}
	if b.read(1) == 0 {
		return 1, true
	}
	bits := b.read(3) + 2
	last, ok := b.skipImage(tiles(width, bits), tiles(height, bits))
	return last + 1, ok
}

// cacheSize reads how many colours can be repeated by their number.
func (b *bitStream) cacheSize() (colors int, ok bool) {
	if b.read(1) == 0 {
		return 0, true
	}
	bits := b.read(4)
	return 1 << bits, 1 <= bits && bits <= 11
}

const (
	vp8lLiterals  = 256
	vp8lLengths   = 24
	vp8lDistances = 40
)

// skipImage reads an image that is compressed with a single set of tables. last
// is the highest value that a pixel's red and green together make: repeated pixels
// were literal ones before, or are zero.
func (b *bitStream) skipImage(width, height int) (last int, ok bool) {
	colors, ok := b.cacheSize()
	if !ok {
		return 0, false
	}
	var green, red, blue, alpha, distance prefixCode
	for _, c := range []struct {
		code     *prefixCode
		alphabet int
	}{
		{&green, vp8lLiterals + vp8lLengths + colors}, {&red, vp8lLiterals}, {&blue, vp8lLiterals},
		{&alpha, vp8lLiterals}, {&distance, vp8lDistances},
	} {
		if !c.code.readFrom(b, c.alphabet) {
			return 0, false
		}
	}
	for left := width * height; left > 0; left-- {
		symbol, ok := green.next(b)
		if !ok || b.short {
			return 0, false
		}
		switch {
		case symbol < vp8lLiterals:
			r, ok1 := red.next(b)
			_, ok2 := blue.next(b)
			_, ok3 := alpha.next(b)
			if !ok1 || !ok2 || !ok3 {
				return 0, false
			}
			last = max(last, r<<8|symbol)
		case symbol < vp8lLiterals+vp8lLengths:
			left -= b.length(symbol-vp8lLiterals) - 1
			symbol, ok := distance.next(b)
			if !ok {
				return 0, false
			}
			b.length(symbol)
		}
	}
	return last, !b.short
}

// length reads the bits that belong to a symbol for a length or a distance.
func (b *bitStream) length(symbol int) int {
	if symbol < 4 {
		return symbol + 1
	}
	extra := uint(symbol-2) >> 1
	return (2+symbol&1)<<extra + int(b.read(extra)) + 1
}

// prefixCode is a canonical Huffman code. The zero value has no symbols.
type prefixCode struct {
	counts  [16]int // of the symbols whose code has so many bits
	symbols []uint16
}

// readFrom reads a code for numbers below alphabet.
func (c *prefixCode) readFrom(b *bitStream, alphabet int) bool {
	if b.read(1) == 1 { // one symbol or two, written out
		two := b.read(1) == 1
		c.symbols = append(c.symbols, uint16(b.read(1+7*uint(b.read(1)))))
		if two {
			c.symbols = append(c.symbols, uint16(b.read(8)))
		}
		c.counts[1] = len(c.symbols)
		for _, s := range c.symbols {
			if int(s) >= alphabet {
				return false
			}
		}
		return true
	}
	var order = [19]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	var ofLengths [19]byte
	for _, i := range order[:4+b.read(4)] {
		ofLengths[i] = byte(b.read(3))
	}
	var lengthCode prefixCode
	lengthCode.build(ofLengths[:])
	lengths, ok := lengthCode.lengths(b, alphabet)
	if ok {
		c.build(lengths)
	}
	return ok
}

// lengths reads how many bits the code for each symbol has, by this code.
func (c *prefixCode) lengths(b *bitStream, alphabet int) ([]byte, bool) {
	most := alphabet
	if b.read(1) == 1 {
		most = int(b.read(2+2*uint(b.read(3)))) + 2
	}
	lengths, previous := make([]byte, 0, alphabet), byte(8)
	for ; most > 0 && len(lengths) < alphabet; most-- {
		n, ok := c.next(b)
		if !ok || b.short {
			return nil, false
		}
		value, times := byte(0), 1
		switch {
		case n < 16:
			value = byte(n)
			if n > 0 {
				previous = value
			}
		case n == 16:
			value, times = previous, 3+int(b.read(2))
		case n == 17:
			times = 3 + int(b.read(3))
		case n == 18:
			times = 11 + int(b.read(7))
		}
		if len(lengths)+times > alphabet {
			return nil, false
		}
		for range times {
			lengths = append(lengths, value)
		}
	}
	return lengths, true
}

// build makes the code in which symbol i has lengths[i] bits, or none.
func (c *prefixCode) build(lengths []byte) {
	for n := range byte(len(c.counts)) {
		if n == 0 {
			continue
		}
		for symbol, l := range lengths {
			if l == n {
				c.symbols = append(c.symbols, uint16(symbol))
				c.counts[n]++
			}
		}
	}
}

// next reads a symbol. A code of a single one takes no bits.
func (c *prefixCode) next(b *bitStream) (symbol int, ok bool) {
	if len(c.symbols) == 1 {
		return int(c.symbols[0]), true
	}
	code, first, index := 0, 0, 0
	for _, count := range c.counts[1:] {
		code |= int(b.read(1))
		if code-first < count {
			return int(c.symbols[index+code-first]), true
		}
		index, first, code = index+count, (first+count)<<1, code<<1
	}
	return 0, false
}

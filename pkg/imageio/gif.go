package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"io"
)

// A gifFile describes a GIF file up to the end of its first frame.
type gifFile struct {
	header
	frame   image.Rectangle // on the canvas
	fields  byte            // of the file's header: the presence and size of the palette
	palette []byte          // for all frames
	control []byte          // the frame's transparent colour; nil if there is none
	picture []byte          // the frame from its descriptor to its end
}

func parseGIF(data []byte) (header, error) {
	f, err := walkGIF(data)
	f.cost = 4 + 4 + 2 // the result, a canvas, and the frame, which may be interlaced
	return f.header, err
}

// walkGIF parses the file to the end of the first frame only, because the rest, even if it is
// missing, doesn't change the picture.
func walkGIF(data []byte) (gifFile, error) {
	const cut = "the GIF file ends before the picture does"
	f := gifFile{header: header{orientation: 1}}
	if len(data) < 13 {
		return f, damaged(cut)
	}
	if v := string(data[:6]); v != "GIF87a" && v != "GIF89a" {
		return f, unsupported("a GIF file of version %q", v[3:])
	}
	f.width, f.height = le16(data[6:]), le16(data[8:])
	f.fields = data[10]
	rest := data[13:]
	if f.palette = cutPalette(&rest, f.fields); rest == nil {
		return f, damaged(cut)
	}
	for len(rest) > 1 {
		const extension, descriptor, trailer = 0x21, 0x2c, 0x3b
		switch block := rest[0]; block {
		case extension:
			kind := rest[1]
			rest = rest[2:]
			const graphicControl, transparent = 0xf9, 1
			if kind == graphicControl && len(rest) > 5 && rest[0] == 4 {
				f.control = nil
				if rest[1]&transparent != 0 {
					f.control = rest[1:5]
				}
			}
			if skipBlocks(&rest) < 0 {
				return f, damaged(cut)
			}
		case descriptor:
			return f, f.readFrame(rest)
		case trailer:
			return f, damaged("the GIF file has no picture in it")
		default:
			return f, damaged("the GIF file has an unknown block (0x%02x)", block)
		}
	}
	if len(rest) == 1 && rest[0] == ';' {
		return f, damaged("the GIF file has no picture in it")
	}
	return f, damaged(cut)
}

// readFrame parses the frame at the start of rest.
func (f *gifFile) readFrame(rest []byte) error {
	const cut = "the GIF file ends before the picture does"
	whole := rest
	if len(rest) < 10 {
		return damaged(cut)
	}
	at := image.Pt(le16(rest[1:]), le16(rest[3:]))
	width, height, fields := le16(rest[5:]), le16(rest[7:]), rest[9]
	if width == 0 || height == 0 {
		return damaged("the GIF file declares a size of %d x %d pixels", width, height)
	}
	f.frame = image.Rectangle{Min: at, Max: at.Add(image.Pt(width, height))}
	// Some files declare a canvas smaller than the frame; browsers then use the frame's size.
	f.width, f.height = max(f.width, f.frame.Max.X), max(f.height, f.frame.Max.Y)
	rest = rest[10:]
	local := cutPalette(&rest, fields)
	if len(rest) == 0 {
		return damaged(cut)
	}
	if local == nil && f.palette == nil {
		return damaged("the GIF file has no palette for its colours")
	}
	if bits := rest[0]; bits < 2 || bits > 8 {
		return damaged("the GIF file declares colours of %d bits", bits)
	}
	rest = rest[1:]
	packed := skipBlocks(&rest)
	if packed < 0 {
		return damaged(cut)
	}
	// A code of 12 bits stands for at most 4096 pixels.
	if int64(width)*int64(height) > int64(packed)*4096*8/12 {
		return damaged("the GIF file holds too little data for %d x %d pixels", width, height)
	}
	f.picture = whole[:len(whole)-len(rest)]
	return nil
}

// cutPalette reads a palette from the start of rest, if fields declare one. It sets rest to nil if
// the palette is truncated.
func cutPalette(rest *[]byte, fields byte) []byte {
	if fields&0x80 == 0 {
		return nil
	}
	n := 3 << (1 + fields&7)
	if len(*rest) < n {
		*rest = nil
		return nil
	}
	palette := (*rest)[:n]
	*rest = (*rest)[n:]
	return palette
}

// skipBlocks skips a chain of blocks and returns how many bytes of data they hold, or -1 if the
// chain is truncated.
func skipBlocks(rest *[]byte) (packed int) {
	b := *rest
	for {
		if len(b) == 0 {
			return -1
		}
		n := int(b[0])
		if len(b) < 1+n {
			return -1
		}
		b = b[1+n:]
		packed += n
		if n == 0 {
			*rest = b
			return packed
		}
	}
}

func le16(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }

// decodeGIF gives the standard library a file that has only the first frame. The library decodes
// only that frame anyway, but it refuses unknown extensions before it and frames beyond the canvas.
func decodeGIF(data []byte, h header) (image.Image, error) {
	f, err := walkGIF(data)
	if err != nil {
		return nil, err
	}
	head := binary.LittleEndian.AppendUint16([]byte("GIF89a"), uint16(h.width))
	head = binary.LittleEndian.AppendUint16(head, uint16(h.height))
	head = append(head, f.fields, 0, 0)
	var control []byte
	if f.control != nil {
		control = append(append([]byte("!\xf9\x04"), f.control...), 0)
	}
	img, err := gif.Decode(io.MultiReader(bytes.NewReader(head), bytes.NewReader(f.palette),
		bytes.NewReader(control), bytes.NewReader(f.picture)))
	if err != nil {
		return nil, err
	}
	return onCanvas(img, f.frame, h.width, h.height)
}

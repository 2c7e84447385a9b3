package imageio

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
)

// Info describes a picture without its pixels.
type Info struct {
	// Format is "jpeg", "png", "webp" or "gif": a name that [ContentType] knows.
	Format string
	// Width and Height are those of the upright picture, after its EXIF
	// orientation, and so the ones that [Decode] returns.
	Width, Height int
}

// Inspect says what data holds, or why it is refused. It reads the file's
// structure to its end (a GIF's to the end of its first frame), so that a file cut
// short is refused now and not by a worker later, but it doesn't decode: time is
// linear in len(data), and no allocation depends on anything the file claims.
//
// Its errors wrap one of job's sentinels, and their text may be shown to
// whoever sent the file:
//
//   - [job.ErrTooManyBytes] and [job.ErrTooManyPixels], with both numbers
//   - [job.ErrUnsupportedImage]: no format that is read, or a variant of one
//     that no decoder here knows (12 bits, lossless or arithmetic JPEG)
//   - [job.ErrDamagedImage]: a known format, but incomplete or inconsistent
//
// What Inspect accepts can still fail in [Decode] if the compressed pixels
// themselves are corrupt. What Decode accepts, Inspect accepts. Bytes after the
// end of the picture are tolerated: telephones append videos and depth maps.
func Inspect(data []byte, lim Limits) (Info, error) {
	c, h, err := inspect(data, lim)
	if err != nil {
		return Info{}, err
	}
	return infoOf(c, h), nil
}

// DecodeMemory returns how many bytes [Decode] takes at most for a file that
// [Inspect] accepts, its result included. For another file it means nothing.
func DecodeMemory(data []byte) int64 {
	c := codecOf(data)
	if c == nil {
		return 0
	}
	h, _ := c.parse(data)
	const buffers = 1 << 20 // what doesn't grow with the picture
	most := h.cost*int64(h.width)*int64(h.height) + h.extra + buffers
	if h.profile != nil {
		most += maxConversion
	}
	return most
}

// FitMemory returns how many bytes [Fit], [Square] and [Preview] take at most beside the
// decoded pictures of a job, which all together take so many bytes when they are fitted:
// the photograph to longest, a style of no pixels is none.
func FitMemory(photo, style Info, longest int, fitted int64) int64 {
	const twice, preview = 2, PreviewEdge * PreviewEdge * (4 + 4) // as the library returns them, and as they are
	most := twice*fitted + preview
	// The library shrinks the rows first, all of them. The result seldom fits into memory that
	// is free again by then.
	const rgb = 3
	for _, edge := range []int{longest, PreviewEdge} {
		if w, _ := Fitted(photo.Width, photo.Height, edge); w < photo.Width {
			most += rgb * int64(w) * int64(photo.Height)
		}
	}
	side := min(style.Width, style.Height)
	return most + rgb*int64(side)*int64(min(side, styleEdge))
}

// styleEdge is the edge to which a style's picture is fitted, by package decoder.
const styleEdge = 512

// JobMemory returns how many bytes the pictures of a job take at most until they are
// ready for the network: files that [Inspect] accepts, style nil without one, and the
// photograph fitted to width x height. They are decoded in one process, and then handed to
// another.
func JobMemory(photo, style []byte, width, height int) int64 {
	const styles, preview = 4 * styleEdge * styleEdge, 1 << 20 // the fitted style's pixels, the preview's file
	fitted := 4*int64(width)*int64(height) + styles + preview
	fit := FitMemory(sizeOf(photo), sizeOf(style), max(width, height), fitted)
	return DecodeMemory(photo) + DecodeMemory(style) + fit + 2*fitted + int64(len(photo)+len(style))
}

// sizeOf is what [Inspect] says of a file that it accepts, and nothing of none.
func sizeOf(data []byte) Info {
	c := codecOf(data)
	if c == nil {
		return Info{}
	}
	h, _ := c.parse(data)
	return infoOf(c, h)
}

func inspect(data []byte, lim Limits) (*codec, header, error) {
	if err := lim.checkBytes(len(data)); err != nil {
		return nil, header{}, err
	}
	c := codecOf(data)
	if c == nil {
		return nil, header{}, fmt.Errorf("%w: %s; %s are read", job.ErrUnsupportedImage, looksLike(data), readable())
	}
	h, err := c.parse(data)
	// A header that was understood is judged before the rest of the file is: a
	// picture too large is too large whether it is complete or not.
	if h.width > 0 && h.height > 0 {
		if tooLarge := lim.checkPixels(h.width, h.height); tooLarge != nil {
			return nil, header{}, tooLarge
		}
	}
	if err != nil {
		return nil, header{}, err
	}
	return c, h, nil
}

func infoOf(c *codec, h header) Info {
	info := Info{Format: c.name, Width: h.width, Height: h.height}
	if turned(h.orientation) {
		info.Width, info.Height = info.Height, info.Width
	}
	return info
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", job.ErrDamagedImage, fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", job.ErrUnsupportedImage, fmt.Sprintf(format, args...))
}

package imageio

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/job"
)

// Info describes a picture without its pixels.
type Info struct {
	// Format is the name of one of package formats.
	Format string
	// Width and Height are those of the upright picture, after its EXIF orientation is
	// applied, and so those of the picture that [Decode] returns.
	Width, Height int
}

// Inspect returns the format and size of the picture in data, or an error if it is refused. It
// parses the file's structure to its end (a GIF's to the end of its first frame), so that a
// truncated file is refused here and not later by a worker, but it doesn't decode: its time is
// linear in len(data), and no allocation depends on what the file declares.
//
// Its errors wrap one of job's sentinels, and their text may be shown to the client that sent the
// file:
//
//   - [job.ErrTooManyBytes] and [job.ErrTooManyPixels], with both numbers
//   - [job.ErrUnsupportedImage]: an unsupported format, or an unsupported variant of a format
//     (JPEG with 12 bits, lossless or arithmetic coding)
//   - [job.ErrDamagedImage]: a known format, but incomplete or inconsistent
//
// A file that Inspect accepts can still fail in [Decode] if the compressed pixels are corrupt. A
// file that Decode accepts is also accepted by Inspect. Bytes after the end of the picture are
// allowed, because telephones append videos and depth maps.
func Inspect(data []byte, lim Limits) (Info, error) {
	c, h, err := inspect(data, lim)
	if err != nil {
		return Info{}, err
	}
	return infoOf(c, h), nil
}

// DecodeMemory returns how many bytes [Decode] takes at most, its result included, for a file that
// [Inspect] accepts. For other files the result is meaningless.
func DecodeMemory(data []byte) int64 {
	c := codecOf(data)
	if c == nil {
		return 0
	}
	h, _ := c.parse(data)
	const buffers = 1 << 20 // buffers of constant size
	most := h.cost*int64(h.width)*int64(h.height) + h.extra + buffers
	if h.profile != nil {
		most += maxConversion
	}
	return most
}

// FitMemory returns the most memory, in bytes, that [Fit], [Square] and [Preview] take in addition
// to the decoded pictures of a job. fitted is the size of all fitted pictures together in bytes,
// and longest the longest edge to which the photograph is shrunk. A style of no pixels means that
// there is no style picture.
func FitMemory(photo, style Info, longest int, fitted int64) int64 {
	const twice, preview = 2, PreviewEdge * PreviewEdge * (4 + 4) // the library's results, and their copies
	most := twice*fitted + preview
	// The library first shrinks all rows. The result seldom fits into memory that has been
	// freed again by then.
	const rgb = 3
	for _, edge := range []int{longest, PreviewEdge} {
		if w, _ := Fitted(photo.Width, photo.Height, edge); w < photo.Width {
			most += rgb * int64(w) * int64(photo.Height)
		}
	}
	side := min(style.Width, style.Height)
	return most + rgb*int64(side)*int64(min(side, StyleEdge))
}

// StyleEdge is the edge in pixels to which a style's picture is shrunk. Only its central square is
// used. The engine needs no more than that: it works at 256 pixels.
const StyleEdge = 512

// JobMemory returns the most memory, in bytes, that the pictures of a job take until they are ready
// for the network. photo and style are the files, which [Inspect] must accept; style is nil if
// there is no style picture. The photograph is shrunk to width x height. The pictures are decoded
// in one process and then passed to another; the result covers both.
func JobMemory(photo, style []byte, width, height int) int64 {
	const styles, preview = 4 * StyleEdge * StyleEdge, 1 << 20 // the fitted style's pixels, the preview's file
	fitted := 4*int64(width)*int64(height) + styles + preview
	fit := FitMemory(sizeOf(photo), sizeOf(style), max(width, height), fitted)
	return DecodeMemory(photo) + DecodeMemory(style) + fit + 2*fitted + int64(len(photo)+len(style))
}

// sizeOf returns the [Info] of a file that [Inspect] accepts, and an empty one if data is nil.
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
		return nil, header{}, fmt.Errorf("%w: %s; %s are read", job.ErrUnsupportedImage, looksLike(data), formats.Titles(formats.All(), "and"))
	}
	h, err := c.parse(data)
	// Check the limits before the rest of the structure: a picture that is too large is
	// reported as such whether it is complete or not.
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
	info := Info{Format: c.Name, Width: h.width, Height: h.height}
	if transposes(h.orientation) {
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

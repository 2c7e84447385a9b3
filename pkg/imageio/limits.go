package imageio

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
)

// Limits bound what one picture may cost. They are compared with what the file
// says of itself before anything is allocated for it.
type Limits struct {
	// Bytes is the largest file, as uploaded.
	Bytes int64
	// Pixels is the largest width times height.
	Pixels int64
	// Edge is the longest side in pixels. It keeps absurd shapes out (a strip of
	// one by forty million) whose rows would each need megabytes of buffers.
	Edge int
}

// DefaultLimits returns what a service with 1.1 GB for a decode allows.
//
// A decoded picture takes 4 bytes a pixel as RGBA, and while it is being made
// the decoder's own image stands beside it. For 40 megapixels that is:
//
//	JPEG, 4:2:0              160 MB + 60 MB of YCbCr
//	JPEG, progressive 4:4:4  160 MB + 120 MB + 480 MB of coefficients
//	JPEG, progressive CMYK   160 MB + 320 MB + 640 MB, the most there is
//	PNG, 8 bits a channel    160 MB, once more if it has to be turned or converted
//	PNG, 16 bits a channel   160 MB + 320 MB, and up to 160 MB if it is interlaced
//	WebP                     160 MB + 60 MB of YCbCr, with alpha 200 MB more
//	WebP, lossless           160 MB + 160 MB + 30 MB of transforms
//	GIF                      160 MB + 40 MB, once more if it is interlaced
//	animation, WebP or GIF   as these, and 160 MB if its first frame is not all of it
//
// A lossless WebP picture can bring tables besides, 56 KiB for each 16 pixels, 149 MB
// at most. A colour profile takes up to 5 MB.
//
// 40 megapixels hold the pictures of nearly every camera and telephone;
// 20 MiB hold those pictures as JPEG files at high quality; an edge of 16384
// holds panoramas.
func DefaultLimits() Limits {
	return Limits{Bytes: 20 << 20, Pixels: 40_000_000, Edge: 16384}
}

// Validate returns an error if a limit is not positive, or if the edge is more
// than 65535, the most that a JPEG file can say.
func (l Limits) Validate() error {
	if l.Bytes <= 0 || l.Pixels <= 0 || l.Edge <= 0 {
		return fmt.Errorf("imageio: limits must be positive, got %d bytes, %d pixels, edge %d", l.Bytes, l.Pixels, l.Edge)
	}
	if l.Edge > 65535 {
		return fmt.Errorf("imageio: an edge of %d is more than 65535, the most that is supported", l.Edge)
	}
	return nil
}

func (l Limits) checkBytes(n int) error {
	if int64(n) <= l.Bytes {
		return nil
	}
	return fmt.Errorf("%w: it has %s, and %s are allowed", job.ErrTooManyBytes, size(int64(n)), size(l.Bytes))
}

func (l Limits) checkPixels(width, height int) error {
	if max(width, height) > l.Edge {
		return fmt.Errorf("%w: it is %d x %d, and at most %d on the longest side are allowed",
			job.ErrTooManyPixels, width, height, l.Edge)
	}
	// An edge is an int of at most 65535 here, so the product can't overflow.
	if n := int64(width) * int64(height); n > l.Pixels {
		return fmt.Errorf("%w: it is %d x %d (%.1f megapixels), and %.1f megapixels are allowed",
			job.ErrTooManyPixels, width, height, float64(n)/1e6, float64(l.Pixels)/1e6)
	}
	return nil
}

// size writes a number of bytes for people. Below a mebibyte it is exact, so
// that a file one byte over a small limit doesn't read as equal to it.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20))
}

package imageio

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
)

// Limits bound what one picture may cost. They are compared with the sizes that the file declares
// before anything is allocated for it.
type Limits struct {
	// Bytes is the largest file, as uploaded.
	Bytes int64
	// Pixels is the largest width times height.
	Pixels int64
	// Edge is the longest side in pixels. It excludes extreme shapes, such as one by forty
	// million, whose rows would each need megabytes of buffers.
	Edge int
}

// DefaultLimits returns the limits for a service with 1.1 GB for a decode.
//
// A decoded picture takes 4 bytes a pixel as RGBA, and during the decode the decoder's own image
// takes memory too. For 40 megapixels that is:
//
//	JPEG, 4:2:0              160 MB + 60 MB of YCbCr
//	JPEG, progressive 4:4:4  160 MB + 120 MB + 480 MB of coefficients
//	JPEG, progressive CMYK   160 MB + 320 MB + 640 MB, the maximum
//	PNG, 8 bits a channel    160 MB, twice if it has to be rotated or converted
//	PNG, 16 bits a channel   160 MB + 320 MB, and up to 160 MB if it is interlaced
//	WebP                     160 MB + 60 MB of YCbCr, with alpha 200 MB more
//	WebP, lossless           160 MB + 160 MB + 30 MB of transforms
//	GIF                      160 MB + 40 MB, and 40 MB more if it is interlaced
//	animation, WebP or GIF   the same, and 160 MB if its first frame doesn't fill the canvas
//
// A lossless WebP picture can have tables in addition, 56 KiB for each 16 pixels, 149 MB at most. A
// colour profile takes up to 5 MB.
//
// 40 megapixels cover the pictures of nearly every camera and telephone, 20 MiB cover those
// pictures as JPEG files at high quality, and an edge of 16384 covers panoramas.
func DefaultLimits() Limits {
	return Limits{Bytes: 20 << 20, Pixels: 40_000_000, Edge: 16384}
}

// Validate returns an error if a limit is not positive, or if the edge is more than 65535, the
// maximum of the JPEG format.
func (l Limits) Validate() error {
	if l.Bytes <= 0 || l.Pixels <= 0 || l.Edge <= 0 {
		return fmt.Errorf("imageio: limits must be positive, got %d bytes, %d pixels, edge %d", l.Bytes, l.Pixels, l.Edge)
	}
	if l.Edge > 65535 {
		return fmt.Errorf("imageio: an edge of %d is more than 65535, the maximum", l.Edge)
	}
	return nil
}

func (l Limits) checkBytes(n int) error {
	if int64(n) <= l.Bytes {
		return nil
	}
	return fmt.Errorf("%w: it has %s, and %s are allowed", job.ErrTooManyBytes, formatSize(int64(n)), formatSize(l.Bytes))
}

func (l Limits) checkPixels(width, height int) error {
	if max(width, height) > l.Edge {
		return fmt.Errorf("%w: it is %d x %d, and at most %d on the longest side are allowed",
			job.ErrTooManyPixels, width, height, l.Edge)
	}
	// Both sides are at most 65535 here, so the product can't overflow.
	if n := int64(width) * int64(height); n > l.Pixels {
		return fmt.Errorf("%w: it is %d x %d (%.1f megapixels), and %.1f megapixels are allowed",
			job.ErrTooManyPixels, width, height, float64(n)/1e6, float64(l.Pixels)/1e6)
	}
	return nil
}

// formatSize formats a number of bytes for messages. Below one mebibyte it is exact, so that a file
// one byte over a small limit is not reported with the same size as the limit.
func formatSize(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20))
}

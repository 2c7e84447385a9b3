package imageio

import (
	"fmt"
	"image"
	"image/png"
	"io"
)

// Encode writes img, which must be opaque, in one of [Formats]. Nothing but the
// pixels is written.
//
// quality is 1 to 100 and counts for jpeg alone, which the standard library
// writes as a baseline file with chroma at half the resolution in both
// directions (4:2:0), at every quality. png is lossless.
//
// A format or a quality that is not one of these is the caller's mistake
// (job.Spec's validation lets none through), so the error wraps no sentinel.
func Encode(w io.Writer, img *image.RGBA, format string, quality int) error {
	c := codecNamed(format)
	if c == nil || c.encode == nil {
		return fmt.Errorf("encode: the format %q is not one of %v", format, Formats())
	}
	if quality < 1 || quality > 100 {
		return fmt.Errorf("encode: a quality of %d is not in 1 to 100", quality)
	}
	if err := c.encode(w, img, quality); err != nil {
		return fmt.Errorf("encode %s: %w", format, err)
	}
	return nil
}

// encodePNG compresses at the fastest level: at 1024 x 768 a sixth of the time of
// the default level (0.11 s against 0.65 s) for a sixth more bytes.
func encodePNG(w io.Writer, img *image.RGBA, _ int) error {
	return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, img)
}

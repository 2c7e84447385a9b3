package imageio

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/atelier-go/atelier/pkg/job"
)

// Decode checks data as [Inspect] does and decodes it: upright, converted from its colour profile
// to sRGB, transparency blended onto white, every alpha 255, bounds at (0,0), the first frame of an
// animation. The result contains none of the file's metadata. The errors are those of [Inspect], or
// ctx's.
//
// Time and memory are bounded by lim: each pixel costs a bounded amount of both (see
// [DefaultLimits]), and nothing else in a file costs more than reading it, except the tables of a
// lossless WebP picture, at most 149 MB, and a colour profile, at most 5 MB. A decode can't be
// interrupted, so ctx is checked before it, between its two halves (decompressing and rendering)
// and after it: a caller whose context ends waits for at most one half, and gets no picture.
//
// A profile or an orientation that is invalid is ignored, and so are colours given by a PNG file's
// gAMA, cHRM and cICP chunks. A decoder's panic is returned as [job.ErrDamagedImage].
func Decode(ctx context.Context, data []byte, lim Limits) (*image.RGBA, Info, error) {
	if ctx.Err() != nil {
		return nil, Info{}, contextError(ctx)
	}
	c, h, err := inspect(data, lim)
	if err != nil {
		return nil, Info{}, err
	}
	img, err := decodePixels(ctx, c, data, h)
	if err != nil {
		return nil, Info{}, err
	}
	return img, infoOf(c, h), nil
}

func decodePixels(ctx context.Context, c *codec, data []byte, h header) (img *image.RGBA, err error) {
	defer func() {
		if r := recover(); r != nil {
			img, err = nil, damaged("the %s decoder failed (%v)", c.Name, r)
		}
	}()
	src, err := decoderOf(c.Name)(data, h)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", job.ErrDamagedImage, err)
	}
	if b := src.Bounds(); b.Dx() != h.width || b.Dy() != h.height {
		return nil, damaged("the header declares %d x %d pixels, and there are %d x %d", h.width, h.height, b.Dx(), b.Dy())
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	var colors conversion
	if h.profile != nil {
		colors = newConversion(h.profile(), channelsOf(src))
	}
	img = render(src, h.orientation, colors)
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	return img, nil
}

// decoderOf returns the pixel decoder for files that a format's parse accepted. The decoder ignores
// metadata and decodes only the first frame of an animation. It is not a field of codec, so that
// programs that only inspect pictures link no decoder; scripts/archtest tests that.
func decoderOf(format string) func(data []byte, h header) (image.Image, error) {
	switch format {
	case "jpeg":
		return decodeJPEG
	case "png":
		return decodePNG
	case "webp":
		return decodeWebP
	case "gif":
		return decodeGIF
	default:
		return func([]byte, header) (image.Image, error) {
			return nil, fmt.Errorf("there is no decoder for the format %s", format)
		}
	}
}

// contextError returns ctx's error, which tells callers whether it was canceled or ran out of time,
// together with its cause if that is more specific.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return fmt.Errorf("decode: %w", cause)
	}
	return fmt.Errorf("decode: %w: %w", err, cause)
}

package imageio

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/atelier-go/atelier/pkg/job"
)

// Decode inspects data and decodes it: upright, converted from its colour
// profile to sRGB, transparency laid on white, every alpha 255, bounds at
// (0,0), the first frame of an animation. Nothing of the file's metadata
// survives. The errors are those of [Inspect], or ctx's.
//
// Time and memory are bounded by lim: each pixel costs a bounded amount of both
// (see [DefaultLimits]), and nothing else in a file costs more than reading it,
// but for the tables of a lossless WebP picture, 149 MB at most, and a colour profile, 5 MB at most.
// A decode can't be interrupted, so ctx is looked at before it, between its two
// halves (unpacking and turning) and after it: a caller whose context ends waits
// for at most one half, and gets no picture.
//
// A profile or an orientation that can't be understood is ignored, and so are
// colours given by a PNG file's gAMA, cHRM and cICP chunks. A decoder's panic is
// returned as [job.ErrDamagedImage].
func Decode(ctx context.Context, data []byte, lim Limits) (*image.RGBA, Info, error) {
	if ctx.Err() != nil {
		return nil, Info{}, ended(ctx)
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
			img, err = nil, damaged("the %s decoder gave up (%v)", c.name, r)
		}
	}()
	src, err := decoderOf(c.name)(data, h)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", job.ErrDamagedImage, err)
	}
	if b := src.Bounds(); b.Dx() != h.width || b.Dy() != h.height {
		return nil, damaged("the header says %d x %d pixels, and there are %d x %d", h.width, h.height, b.Dx(), b.Dy())
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	var colors conversion
	if h.profile != nil {
		colors = newConversion(h.profile(), inksOf(src))
	}
	img = render(src, h.orientation, colors)
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	return img, nil
}

// decoderOf returns what reads the pixels of a file that a format's parse accepted. It
// ignores metadata and decodes only the first frame of an animation. It is no field of
// codec, so that programs that only inspect pictures link no decoder, which a test
// (scripts/archtest) can see.
func decoderOf(format string) func(data []byte, h header) (image.Image, error) {
	switch format {
	case "jpeg":
		return decodeJPEG
	case "png":
		return decodePNG
	case "webp":
		return decodeWebP
	default:
		return decodeGIF
	}
}

// ended tells that ctx stopped a decode: its error, by which callers recognise a
// cancellation or a deadline, and its cause where that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return fmt.Errorf("decode: %w", cause)
	}
	return fmt.Errorf("decode: %w: %w", err, cause)
}

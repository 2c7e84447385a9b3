package child

import (
	"context"
	"fmt"
	"io"

	"github.com/atelier-go/atelier/pkg/imageio"
)

// Pictures is the [Decode] function of picture-decoder. It decodes the photograph and the style
// picture, shrinks them, and writes their pixels and the preview to output.
func Pictures(req Request, input []byte, output io.Writer) (reply Reply, err error) {
	ctx := context.Background() // the process is killed, not canceled
	photo, _, err := imageio.Decode(ctx, input[:req.Photo.Bytes], req.Limits)
	if err != nil {
		return reply, err
	}
	content := imageio.Fit(photo, req.Photo.Longest)
	reply.Photo.Width, reply.Photo.Height = content.Rect.Dx(), content.Rect.Dy()
	if _, err := output.Write(content.Pix); err != nil {
		return reply, err
	}
	var preview []byte
	if req.Preview > 0 {
		if req.Photo.Longest >= req.Preview {
			photo = content // a preview of the smaller one takes less time
		}
		if preview, err = imageio.Preview(photo, req.Preview); err != nil {
			return reply, err
		}
	}
	if req.Style.Bytes > 0 {
		style, _, err := imageio.Decode(ctx, input[req.Photo.Bytes:], req.Limits)
		if err != nil {
			return reply, fmt.Errorf("style picture: %w", err)
		}
		style = imageio.Square(style, req.Style.Longest)
		reply.Style.Width, reply.Style.Height = style.Rect.Dx(), style.Rect.Dy()
		if _, err := output.Write(style.Pix); err != nil {
			return reply, err
		}
	}
	reply.Preview = int64(len(preview))
	_, err = output.Write(preview)
	return reply, err
}

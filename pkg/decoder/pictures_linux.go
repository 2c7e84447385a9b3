package decoder

import (
	"errors"
	"fmt"
	"image"
	"os"

	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
	"github.com/atelier-go/atelier/pkg/imageio"
)

// readPictures reads the pictures that a reply describes from the output. The reply is as untrusted
// as the pictures.
func (p *process) readPictures(req protocol.Request, reply protocol.Reply) (Pictures, error) {
	var made Pictures
	if reply.Photo != req.Photo.Fitted || reply.Style != req.Style.Fitted || reply.Preview < 0 || reply.Preview > maxPreview || (reply.Preview == 0) != (req.Preview == 0) {
		return made, fmt.Errorf("the decoder replied %+v to a request for photo %+v, style %+v", reply, req.Photo.Fitted, req.Style.Fitted)
	}
	at := int64(0)
	next := func(b []byte) error {
		n, err := p.output.ReadAt(b, at)
		at += int64(n)
		if errors.Is(err, os.ErrClosed) { // the process has ended
			return &crashError{how: err.Error()}
		}
		if err != nil {
			return fmt.Errorf("read the decoder's output: %w", err)
		}
		return nil
	}
	made.Photo = newRGBA(reply.Photo)
	err := next(made.Photo.Pix)
	if err == nil && req.Style.Bytes > 0 {
		made.Style = newRGBA(reply.Style)
		err = next(made.Style.Pix)
	}
	if err == nil && req.Preview > 0 {
		made.Preview = make([]byte, reply.Preview)
		err = next(made.Preview)
	}
	if err == nil && made.Preview != nil {
		info, ierr := imageio.Inspect(made.Preview, imageio.Limits{Bytes: maxPreview, Pixels: imageio.PreviewEdge * imageio.PreviewEdge, Edge: imageio.PreviewEdge})
		if ierr != nil || info.Format != "jpeg" {
			err = errors.New("the decoder's preview is not a valid JPEG file")
		}
	}
	return made, err
}

// fileKept is the largest size of a memory file between two pictures. job.IdleDecoder is the sum of
// twice this, protocol.Held and the memory of a Go program.
const fileKept = 5 << 20

// shrink releases the memory of large pictures in the memory files. Smaller files keep their pages,
// which the next picture overwrites.
func (p *process) shrink() error {
	for _, f := range []*os.File{p.input, p.output} {
		info, err := f.Stat()
		if err == nil && info.Size() > fileKept {
			err = f.Truncate(0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newRGBA(s protocol.Size) *image.RGBA {
	return image.NewRGBA(image.Rect(0, 0, s.Width, s.Height))
}

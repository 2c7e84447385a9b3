package worker

import (
	"context"
	"image"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A previewWriter stores the preview of a job's photograph while the engine runs.
type previewWriter struct {
	done chan struct{}
	err  error // valid once done is closed
}

// storePreview starts to store a preview; nil is none.
func storePreview(lease *store.Lease, preview []byte) *previewWriter {
	p := &previewWriter{done: make(chan struct{})}
	if preview == nil {
		close(p.done)
		return p
	}
	go func() {
		defer close(p.done)
		p.err = lease.StorePreview(preview)
	}()
	return p
}

// wait returns the error of the writing, or ctx's cause if a file server does not respond.
func (p *previewWriter) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// thumbnail returns the thumbnail of a public job for the gallery. It is nil if the job is not
// public, or if the result is so small that a copy of it is used.
func thumbnail(painted *image.RGBA, spec *job.Spec) ([]byte, error) {
	small := max(painted.Rect.Dx(), painted.Rect.Dy()) <= imageio.ThumbnailEdge
	if !spec.Public || small && spec.Format == "jpeg" {
		return nil, nil
	}
	return imageio.Thumbnail(painted)
}

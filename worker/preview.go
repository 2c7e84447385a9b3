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

// storePreview begins to store a preview. If preview is nil there is nothing to store.
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

// wait waits until the preview is stored, and returns the error of storing it. If the file server
// does not respond, it returns ctx's cause when ctx ends.
func (p *previewWriter) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// thumbnail returns the thumbnail of a public job for the gallery. It returns nil if the job is not
// public, or if the result is so small that it serves as its own thumbnail.
func thumbnail(painted *image.RGBA, spec *job.Spec) ([]byte, error) {
	small := max(painted.Rect.Dx(), painted.Rect.Dy()) <= imageio.ThumbnailEdge
	if !spec.Public || small && spec.Format == "jpeg" {
		return nil, nil
	}
	return imageio.Thumbnail(painted)
}

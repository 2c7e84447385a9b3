package api

import (
	"fmt"
	"sort"
	"strings"

	"github.com/atelier-go/atelier/pkg/engines"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// Workers describes what the workers can paint. A picture that they can't paint is refused at its
// submission instead of failing later.
type Workers struct {
	MaxSize int    // longest edge that a result may have, in pixels, 16 to 4096; 0 is 2048
	Memory  int    // of the smallest worker, in MB (2^20 bytes), as Lambda counts them; 0 is 3007
	Engine  string // what runs the network, tensorflow or onnx; empty is tensorflow
}

func (w *Workers) setDefaults() {
	if w.MaxSize == 0 {
		w.MaxSize = 2048
	}
	if w.Memory == 0 {
		w.Memory = 3007
	}
	if w.Engine == "" {
		w.Engine = "tensorflow"
	}
}

// Validate checks the values. Its errors name the flags of the mains.
func (w *Workers) Validate() error {
	if w.MaxSize < 16 || w.MaxSize > job.MaxSize {
		return fmt.Errorf("--max-size must be 16 to %d", job.MaxSize)
	}
	if f, ok := w.footprint(); !ok {
		return fmt.Errorf("--worker-engine must be %s", strings.Join(engines.Names(), " or "))
	} else if w.bytes() < f.Idle(1)+f.Picture(256, 256, imageio.JobMemory(nil, nil, 256, 256)) {
		return fmt.Errorf("--worker-memory of %d MB is too little for a picture of 256 x 256: a worker with %s needs %d MB before it paints anything", w.Memory, w.Engine, f.Idle(1)>>20)
	}
	return nil
}

func (w *Workers) bytes() int64 { return int64(w.Memory) << 20 }

func (w *Workers) footprint() (engines.Footprint, bool) {
	e, ok := engines.ByName(w.Engine)
	return e.Footprint, ok
}

// checkMemory returns an error if a job's pictures need more memory than the smallest worker has
// while it paints one picture at a time. picture is the style picture, or nil. The error names the
// field that must be smaller: the style picture if the job would be accepted without it, and
// otherwise the size or the photograph.
func (w *Workers) checkMemory(spec *job.Spec, image, picture []byte) error {
	f, _ := w.footprint()
	in := spec.Input
	need := func(longest int, picture []byte) (bytes int64) {
		width, height := imageio.Fitted(in.Width, in.Height, longest)
		return f.Idle(1) + f.Picture(width, height, imageio.JobMemory(image, picture, width, height))
	}
	most := need(spec.Longest(), picture)
	if most <= w.bytes() {
		return nil
	}
	if need(spec.Longest(), nil) <= w.bytes() {
		return fmt.Errorf("style_image: %w: with it, painting takes %d MB, and the smallest worker has %d MB; a style is read at 256 x 256", job.ErrTooManyPixels, most>>20, w.Memory)
	}
	const smallest = 16 // size that a submission can have
	fits := sort.Search(spec.Longest(), func(more int) bool { return need(more+1, picture) > w.bytes() })
	if fits < smallest {
		return fmt.Errorf("image: %w: painting it takes %d MB or more, and the smallest worker has %d MB", job.ErrTooManyPixels, need(smallest, picture)>>20, w.Memory)
	}
	return &job.FieldError{Field: "size", Problem: fmt.Sprintf(
		"must be at most %d for this picture: painting it larger takes up to %d MB, and the smallest worker has %d MB", fits, most>>20, w.Memory)}
}

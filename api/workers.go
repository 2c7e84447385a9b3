package api

import (
	"fmt"
	"sort"
	"strings"

	"github.com/atelier-go/atelier/pkg/engines"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// Workers says what the workers can paint: what they can't is refused at once,
// instead of failing later. Its tags are for kong; zero values are the defaults.
type Workers struct {
	MaxSize int    `default:"2048" env:"ATELIER_MAX_SIZE" help:"Longest edge that a result may have, in pixels: 16 to 4096."`
	Memory  int    `name:"worker-memory" default:"3007" env:"ATELIER_WORKER_MEMORY" help:"Memory of the smallest worker in MB, as Lambda counts them. A picture that it can't hold is refused. Reckoned by the shipped model: with Magenta's, say half."`
	Engine  string `name:"worker-engine" enum:"tensorflow,onnx" default:"tensorflow" env:"ATELIER_WORKER_ENGINE" help:"What runs the network in the workers, tensorflow or onnx: they need different memory. Of two kinds, the smallest counts."`
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

// Validate is called by kong once the flags are read.
func (w *Workers) Validate() error {
	if w.MaxSize < 16 || w.MaxSize > job.MaxSize {
		return fmt.Errorf("--max-size must be 16 to %d", job.MaxSize)
	}
	if f, ok := w.footprint(); !ok {
		return fmt.Errorf("--worker-engine must be %s", strings.Join(engines.Names(), " or "))
	} else if w.bytes() < f.Idle(1)+f.Picture(256, 256, imageio.JobMemory(nil, nil, 256, 256)) {
		return fmt.Errorf("--worker-memory of %d MB: that holds no picture of 256 x 256: a worker with %s takes %d MB before it has painted anything", w.Memory, w.Engine, f.Idle(1)>>20)
	}
	return nil
}

func (w *Workers) bytes() int64 { return int64(w.Memory) << 20 }

func (w *Workers) footprint() (engines.Footprint, bool) {
	e, ok := engines.ByName(w.Engine)
	return e.Footprint, ok
}

// hold refuses a job whose pictures the smallest worker, which paints one at a time, can't
// hold; picture is nil without a style's picture. What is refused is what would have to be
// smaller: the style's picture, if the job were accepted without.
func (w *Workers) hold(spec *job.Spec, image, picture []byte) error {
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
	const smallest = 16 // that can be asked for
	fits := sort.Search(spec.Longest(), func(more int) bool { return need(more+1, picture) > w.bytes() })
	if fits < smallest {
		return fmt.Errorf("image: %w: painting it takes %d MB or more, and the smallest worker has %d MB", job.ErrTooManyPixels, need(smallest, picture)>>20, w.Memory)
	}
	return &job.FieldError{Field: "size", Problem: fmt.Sprintf(
		"must be at most %d for this picture: painting it larger takes up to %d MB, and the smallest worker has %d MB", fits, most>>20, w.Memory)}
}

package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/scripts/measure/machine"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

// The settings of every picture, in the bare loop and in the jobs: the API's defaults.
const (
	longest = 1024
	format  = "jpeg"
	quality = 90
)

// repaint does the work of the bare loop for a picture: decode, stylise, encode.
func repaint(ctx context.Context, m *model.Model, photo []byte) error {
	content, _, err := imageio.Decode(ctx, photo, imageio.DefaultLimits())
	if err != nil {
		return err
	}
	painted, err := m.Stylize(ctx, named(imageio.Fit(content, longest), 0))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	return imageio.Encode(&out, painted, format, quality)
}

// bareLoop does the work without the pipeline, with as many pictures at once as the model allows.
func bareLoop(ctx context.Context, t task, out io.Writer) error {
	m, err := load(t)
	if err != nil {
		return err
	}
	photos, err := photograph.All(t.Samples, t.Width, t.Height)
	if err != nil {
		return err
	}
	at := m.Info().Concurrent
	loop := func(images int) (pace, error) {
		return inParallel(ctx, at, times(images), func(ctx context.Context, i int) error {
			return repaint(ctx, m, photos[i%len(photos)])
		})
	}
	if _, err := loop(warmUp(at)); err != nil {
		return err
	}
	busy := machine.ProcessorTime()
	p, err := loop(t.Images)
	if err != nil {
		return err
	}
	return answer(out, work{p.PerSecond, median(p.Took), (machine.ProcessorTime() - busy).Seconds() / float64(t.Images)})
}

// A work is the result of a process: pictures a second, the median time of a picture in seconds if
// known, and the processor seconds per picture, which other programs disturb least.
type work struct{ PerSecond, Median, CPU float64 }

// warmUp returns the number of pictures before the measurement, for the preparation of the graph
// and of the allocator.
func warmUp(concurrent int) int { return 3 * concurrent }

// A pace is the result of parallel workers: pieces a second, and the time of each piece in seconds,
// sorted.
type pace struct {
	PerSecond float64
	Took      []float64
}

// inParallel runs pieces of work, numbered from 0, on a number of workers while another returns
// true. It stops at the first error.
func inParallel(ctx context.Context, workers int, another func() bool, do func(ctx context.Context, i int) error) (pace, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		took []float64
		next atomic.Int64
	)
	began := time.Now()
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil && another() {
				one := time.Now()
				if err := do(ctx, int(next.Add(1)-1)); err != nil {
					stop(err)
					return
				}
				d := time.Since(one).Seconds()
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	whole := time.Since(began).Seconds()
	if err := context.Cause(ctx); err != nil {
		return pace{}, err
	}
	slices.Sort(took)
	return pace{float64(len(took)) / whole, took}, nil
}

// times returns a function that returns true n times.
func times(n int) func() bool {
	var asked atomic.Int64
	return func() bool { return asked.Add(1) <= int64(n) }
}

// lasting returns a function that returns true during d.
func lasting(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().Before(end) }
}

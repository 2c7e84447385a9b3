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

// What every picture is asked for, by the bare loop and by the jobs: the API's
// defaults.
const (
	longest = 1024
	format  = "jpeg"
	quality = 90
)

// repaint is what the bare loop does with a picture: decode, stylise, encode.
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

// bareLoop is the work without the pipeline: as many pictures at once as the
// model takes, one after the other.
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

// A work is what a process got done with pictures: how many a second, what the
// median took from its beginning to its end where that is known, and how much of
// the processors one took, in seconds. Other programs disturb the last least.
type work struct{ PerSecond, Median, CPU float64 }

// warmUp is how many pictures come before the measurement: the graph's
// preparation, and then the allocator's.
func warmUp(concurrent int) int { return 3 * concurrent }

// A pace is what a number of workers got done, and what each piece took, in
// seconds, the shortest first.
type pace struct {
	PerSecond float64
	Took      []float64
}

// inParallel has workers do pieces of work, numbered from 0, while another may
// begin. The first error ends it.
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

// times says yes n times.
func times(n int) func() bool {
	var asked atomic.Int64
	return func() bool { return asked.Add(1) <= int64(n) }
}

// lasting says yes for so long.
func lasting(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().Before(end) }
}

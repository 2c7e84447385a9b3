package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/magenta"
)

// Operations of the shipped network per pixel, as counted by model/train/cost.py, and the border in
// pixels that it paints on all sides.
const (
	operationsPerPixel = 12368
	border             = 8
)

// A contest has the results of the two networks for one size of picture, for each round.
type contest struct {
	side                int
	ours, teacher, onnx []speed
}

// faster returns our speed as a multiple of the teacher's.
func (c contest) faster() spread {
	return compare(c.teacher, c.ours, secondsOver)
}

const (
	goalFaster = 2.5
	goalMemory = 0.6
	goalSide   = 2048 // side of the pictures for which memory is compared
)

// contests runs the networks in turn on squares with these sides.
func (s *session) contests(ctx context.Context, sides []int) (all []contest, err error) {
	engines, err := s.engines()
	if err != nil {
		return nil, err
	}
	theirs, err := s.teacherModel()
	if err != nil {
		return nil, err
	}
	for _, n := range sides {
		paint := func(model string, e engine) func(context.Context) (speed, error) {
			// Fewer pictures of large sizes, which are slow.
			long := pick(s, 2+float64(n)/256, 0.1)
			t := task{Model: model, Width: n, Height: n, Threads: 1, Concurrent: 1, Seconds: long}
			return func(ctx context.Context) (speed, error) { return askOf[speed](ctx, e.program, "throughput", t) }
		}
		rounds, err := inTurn(ctx, s, size(n, n), []side[speed]{
			{"ours", paint(s.Model, engines[0])}, {"the teacher", paint(theirs, engines[0])}, {"ours, ONNX Runtime", paint(s.Model, engines[1])},
		}...)
		if err != nil {
			return nil, err
		}
		all = append(all, contest{n, rounds[0], rounds[1], rounds[2]})
	}
	return all, nil
}

// products writes the machine's peak.
func products(_ context.Context, t task, out io.Writer) error {
	peak, err := peakOfMachine(time.Duration(t.Seconds * float64(time.Second)))
	if err != nil {
		return err
	}
	return answer(out, peak)
}

// product returns the highest number of operations a second that the machine reaches.
func (s *session) product(ctx context.Context) (float64, error) {
	rounds, err := inTurn(ctx, s, "a product of matrices", side[float64]{"one thread", func(ctx context.Context) (float64, error) {
		return ask[float64](ctx, "product", task{Seconds: pick(s, 3.0, 0.5)})
	}})
	if err != nil {
		return 0, err
	}
	return slices.Max(rounds[0]), nil
}

func seconds(v speed) float64        { return v.Median }
func secondsOver(a, b speed) float64 { return a.Median / b.Median }

// ofThePeak returns the share of the machine's peak that our network reaches.
func (c contest) ofThePeak(peak float64) string {
	whole := float64(c.side + 2*border)
	return fmt.Sprintf("%.0f%%", 100*operationsPerPixel*whole*whole/each(c.ours, seconds).median/peak)
}

// teacherModel returns the folder of the teacher's transformer in the form that model/tensorflow
// loads, with the shipped model's vectors of the named styles, which have the teacher's format.
func (s *session) teacherModel() (string, error) {
	if s.Teacher == "" {
		return "", &unavailable{"Magenta's network is missing: set --teacher DIR or ATELIER_TEACHER (see scripts/baseline/README.md)"}
	}
	dir, err := s.folder()
	if err != nil {
		return "", err
	}
	return dir, magenta.Model(s.Teacher, s.Model, dir)
}

// memoryOfTeachers returns the shipped network's memory as a share of the teacher's: the peaks of
// processes that paint one picture with this side, above the memory of the engine's library.
func (s *session) memoryOfTeachers(ctx context.Context, n int) (spread, error) {
	theirs, err := s.teacherModel()
	if err != nil {
		return spread{}, err
	}
	of := func(model string, n int) func(context.Context) (peak, error) {
		t := task{Model: model, Width: n, Height: n, Threads: 1, Concurrent: 1}
		return func(ctx context.Context) (peak, error) { return ask[peak](ctx, "peak", t) }
	}
	// A model of a few operations needs only the library's memory.
	weightless := filepath.Join(s.Root, "model", "testdata", "full")
	all, err := inTurn(ctx, s, "memory at "+size(n, n),
		side[peak]{"TensorFlow alone", of(weightless, 32)}, side[peak]{"ours", of(s.Model, n)}, side[peak]{"the teacher", of(theirs, n)})
	if err != nil {
		return spread{}, err
	}
	shares := make([]float64, s.Rounds)
	for i, base := range all[0] {
		shares[i] = float64(all[1][i].Peak-base.Loaded) / float64(all[2][i].Peak-base.Loaded)
	}
	return spreadOf(shares), nil
}

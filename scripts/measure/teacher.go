package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const teacherHelp = `The shipped network compared with Magenta's, from which it was trained: only the
transformers, with a stored vector, from pixels to pixels, on one thread. Both run with
model/tensorflow, in fresh processes in turn; the shipped one also with ONNX Runtime.

  time    of a picture: the median of a process, and the ratio for each round
  memory  the peak of a process that paints one picture of 2048 x 2048, above the base:
          the memory of a process with the library and a model without weights
          (model/testdata) after a picture of 32 x 32
  of the  operations a second (model/train/cost.py counts multiplications and additions),
  peak    divided by those of a product of two matrices of 2048 x 2048, in float32, on one
          thread of the same library in the same minutes

--teacher, or ATELIER_TEACHER, names the folder with Magenta's two SavedModels.`

// Operations of the two transformers per pixel, as counted by model/train/cost.py. Our network also
// paints a border of 8 pixels on all sides.
const (
	operationsOfOurs    = 12368
	operationsOfTeacher = 25056
	border              = 8
)

// A contest has the results of the two networks for one size of picture, for each round.
type contest struct {
	side                int
	ours, teacher, onnx []speed
}

// operations returns the operations per picture of our network and of the teacher.
func (c contest) operations() (ours, teacher float64) {
	whole := float64(c.side + 2*border)
	return operationsOfOurs * whole * whole, operationsOfTeacher * float64(c.side) * float64(c.side)
}

// faster returns our speed as a multiple of the teacher's.
func (c contest) faster() spread {
	return compare(c.teacher, c.ours, secondsOver)
}

// teacher compares the shipped network with its teacher.
func teacher(ctx context.Context, s *session) (string, error) {
	sides := pick(s, []int{256, 512, 1024, 2048}, []int{64, 128})
	s.expect((3*len(sides) + 1 + 5) * s.Rounds)
	contests, err := s.contests(ctx, sides)
	if err != nil {
		return "", err
	}
	times := [][]string{{"size", "ours", "teacher", "times as fast", "goal", "", "ours, ONNX Runtime", "over TensorFlow"}}
	for _, c := range contests {
		goal := noGoal
		if c.side == 512 || c.side == 1024 {
			goal = atLeast(goalFaster, c.faster().median)
		}
		times = append(times, slices.Concat([]string{
			size(c.side, c.side), each(c.ours, seconds).show("%.4f") + " s", each(c.teacher, seconds).show("%.4f") + " s", c.faster().show("%.2f"),
		}, goal, []string{
			each(c.onnx, seconds).show("%.4f") + " s",
			compare(c.ours, c.onnx, secondsOver).show("%.2f"),
		}))
	}
	peak, err := s.product(ctx)
	if err != nil {
		return "", err
	}
	heights, err := s.heights(ctx, goalSide)
	if err != nil {
		return "", err
	}
	return "One thread. Median of the rounds (least..most).\n\n" + table(times...) + "\n" + reached(contests, peak) + "\n" + heights.table(), nil
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
	ours, _ := c.operations()
	return percent(ours / each(c.ours, seconds).median / peak)
}

func percent(part float64) string { return fmt.Sprintf("%.0f%%", 100*part) }

// reached describes the share of the machine's peak that the networks reach, and the remaining
// potential.
func reached(contests []contest, peak float64) string {
	rows := [][]string{{"size", "", "operations", "a second", "of the peak", "at the peak"}}
	var limits []string
	for _, c := range contests {
		ours, theirs := c.operations()
		for _, of := range []struct {
			name       string
			operations float64
			rounds     []speed
		}{{"ours", ours, c.ours}, {"teacher", theirs, c.teacher}, {"ours, ONNX Runtime", ours, c.onnx}} {
			took := each(of.rounds, seconds).median
			rows = append(rows, []string{
				size(c.side, c.side), of.name, billions(of.operations), billions(of.operations / took),
				percent(of.operations / took / peak), ms(of.operations / peak),
			})
		}
		limits = append(limits, fmt.Sprintf("%.1f times as fast at %s", each(c.ours, seconds).median*peak/ours, size(c.side, c.side)))
	}
	return fmt.Sprintf("The peak is %s operations a second.\n\n%s\n"+
		"If every operation ran at the peak, the limit would be %s. "+
		"The network does not reach it because of memory, not arithmetic: depthwise convolutions, normalisations, ReLUs and depth-to-space do only a few operations for each number that they read and write.\n",
		billions(peak), table(rows...), strings.Join(limits, ", "))
}

func billions(n float64) string { return fmt.Sprintf("%.2f billion", n/1e9) }

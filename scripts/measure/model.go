package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const modelHelp = `One table of the quality and cost of the shipped model: how close its pictures are to its
teacher's, for photographs and styles that it was not trained on, and what they cost.

  quality  model/train/evaluate.py (its help describes the measures): the mean, and the
           10th and 90th percentile; or, if the teacher has the same measure, the mean
           divided by the teacher's
  speed    of the network and of Magenta's, from which it was trained: only the
           transformers, with a stored vector, from pixels to pixels, on one thread, in
           fresh processes in turn. The share of the machine's peak is the operations a
           second (model/train/cost.py counts multiplications and additions), divided by
           those of a product of two matrices of 2048 x 2048, in float32, on one thread of
           the same library in the same minutes
  memory   the peak of a process that paints one picture of 2048 x 2048, above the memory
           of a process with the library and a model without weights (model/testdata)
  start    as measured by the benchmark start, which shows more details

--training, or ATELIER_TRAINING, names the training folder with content/, style/ and
teacher/ (model/train/README.md). Only with --teacher, or ATELIER_TEACHER, the folder with
Magenta's two SavedModels, the quality is left out.`

// shippedModel measures the model's quality, speed and memory.
func shippedModel(ctx context.Context, s *session) (text string, err error) {
	switch {
	case s.Training == "" && s.Teacher == "":
		return "", &unavailable{"the training folder is missing: set --training DIR or ATELIER_TRAINING (see model/train/README.md), or only --teacher DIR"}
	case s.Training != "" && s.Python == "":
		return "", &unavailable{"Python with TensorFlow is not installed: run scripts/setup --bench"}
	}
	engines, err := s.engines()
	if err != nil {
		return "", err
	}
	sides := pick(s, []int{256, 512, 1024, 2048}, []int{64, 512})
	var quality [][]string
	if s.Training != "" {
		if quality, err = s.evaluate(ctx); err != nil {
			return "", err
		}
	}
	s.expect(s.Rounds * (3*len(sides) + 1 + 3 + 2*len(engines) + 1))
	contests, err := s.contests(ctx, sides)
	if err != nil {
		return "", err
	}
	peak, err := s.product(ctx)
	if err != nil {
		return "", err
	}
	rows := slices.Concat([][]string{{"", "value", "goal", ""}}, quality)
	for _, c := range contests {
		goal := noGoal
		if c.side == 512 || c.side == 1024 {
			goal = atLeast(goalFaster, c.faster().median)
		}
		rows = append(rows,
			append([]string{"times as fast as the teacher, one thread, " + size(c.side, c.side), c.faster().show("%.2f")}, goal...),
			append([]string{"seconds, TensorFlow, one thread, " + size(c.side, c.side), each(c.ours, seconds).show("%.4f")}, noGoal...),
			append([]string{"seconds, ONNX Runtime, one thread, " + size(c.side, c.side), each(c.onnx, seconds).show("%.4f")}, noGoal...),
			append([]string{"of the machine's peak, TensorFlow, " + size(c.side, c.side), c.ofThePeak(peak)}, noGoal...),
		)
	}
	ratio, err := s.memoryOfTeachers(ctx, goalSide)
	if err != nil {
		return "", err
	}
	rows = append(rows, append([]string{"memory of the teacher's, " + size(goalSide, goalSide), ratio.show("%.2f")}, atMost(goalMemory, ratio.median)...))
	for _, e := range engines {
		starts, err := s.starts(ctx, e)
		if err != nil {
			return "", err
		}
		for _, side := range starts {
			goal := noGoal
			took := side.took()
			if side.cache == warm {
				goal = atMost(e.start, took.median)
			}
			rows = append(rows, append([]string{fmt.Sprintf("seconds to the first picture, %s, %s cache", e.name, side.cache), took.show("%.3f")}, goal...))
		}
	}
	small, err := s.small(ctx, engines[1])
	if err != nil {
		return "", err
	}
	rows = append(rows, append([]string{"MB at most, ONNX Runtime, 512 x 512", small.show("%.1f")}, atMost(goalSmall, small.median)...))
	text = "Quality: mean (10th..90th percentile). Speed and memory: median of the rounds (least..most).\n\n" + table(rows...)
	if s.Training == "" {
		text += "\nWithout the quality, which needs the training folder: --training DIR.\n"
	}
	return text, nil
}

// goalSmall is the goal for the peak memory of a process with ONNX Runtime that paints 512 x 512,
// in megabytes.
const goalSmall = 120

// small returns the peak memory of such processes.
func (s *session) small(ctx context.Context, e engine) (spread, error) {
	t := task{Model: s.Model, Threads: 1, Concurrent: 1}.sized(512)
	rounds, err := inTurn(ctx, s, "peak memory", side[peak]{e.name, func(ctx context.Context) (peak, error) {
		return askOf[peak](ctx, e.program, "peak", t)
	}})
	if err != nil {
		return spread{}, err
	}
	return each(rounds[0], func(p peak) float64 { return float64(p.Peak) / 1e6 }), nil
}

// A measure is a measure of evaluate.py.
type measure struct {
	Measure string
	Mean    float64
	Spread  [2]float64
	Teacher *struct{ Mean float64 } // nil if the teacher does not have the measure
	Value   float64                 // compared with the goal: the mean, or its ratio to the teacher's
	Goal    *[2]float64             // nil if there is none
	Met     bool
}

// row returns the row of a measure in the table.
func (m measure) row() []string {
	shown := fmt.Sprintf("%.3f (%.3f..%.3f)", m.Mean, m.Spread[0], m.Spread[1])
	if m.Teacher != nil {
		shown = fmt.Sprintf("%.2f of the teacher's %.3f", m.Value, m.Teacher.Mean)
	}
	row := []string{m.Measure, shown}
	switch {
	case m.Goal == nil:
		return append(row, noGoal...)
	case m.Goal[0] == 0:
		return append(row, verdict("at most %g", m.Goal[1], m.Met)...)
	}
	goal := verdict("at most %g", m.Goal[1], m.Met)
	goal[0] = fmt.Sprintf("%g to %g", m.Goal[0], m.Goal[1])
	return append(row, goal...)
}

// evaluate runs evaluate.py and returns its measures as rows.
func (s *session) evaluate(ctx context.Context) (rows [][]string, err error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	written := filepath.Join(dir, "measures.json")
	args := []string{filepath.Join(s.Root, "model", "train", "evaluate.py"), s.Training, s.Model, "--json", written}
	if s.Quick {
		args = append(args, "--quick")
	}
	fmt.Fprintf(s.stderr, "bench: %s: painting with the model and its teacher\n", s.name)
	cmd := exec.CommandContext(ctx, s.Python, args...)
	cmd.Env = append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=2", "PYTHONDONTWRITEBYTECODE=1")
	progress, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	output := s.passOn(progress)
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("evaluate.py: %w: %s", err, output)
	}
	file, err := os.ReadFile(written)
	if err != nil {
		return nil, err
	}
	return measureRows(file)
}

// measureRows reads the output file of evaluate.py.
func measureRows(file []byte) (rows [][]string, err error) {
	var all struct{ Measures []measure }
	if err := json.Unmarshal(file, &all); err != nil {
		return nil, err
	}
	if len(all.Measures) == 0 {
		return nil, errors.New("evaluate.py has measured nothing")
	}
	for _, m := range all.Measures {
		rows = append(rows, m.row())
	}
	return rows, nil
}

// passOn shows evaluate.py's progress and returns its other output: messages of TensorFlow, or the
// reason of a failure.
func (s *session) passOn(from io.Reader) string {
	var other strings.Builder
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "evaluate: "); ok {
			fmt.Fprintf(s.stderr, "bench: %s: %s\n", s.name, text)
		} else {
			fmt.Fprintln(&other, lines.Text())
		}
	}
	return other.String()
}

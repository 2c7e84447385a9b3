package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/measure/magenta"
)

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

// weightless returns the folder of a model of a few operations, which needs only the library's
// memory.
func (s *session) weightless() string { return filepath.Join(s.Root, "model", "testdata", "full") }

// heights are the memory peaks of processes that paint one picture of a size, above the memory of
// the engine's library, for each round.
type heights struct {
	side                int
	ours, teacher, onnx []float64
}

// heights measures the shipped network with both engines, and the teacher.
func (s *session) heights(ctx context.Context, n int) (heights, error) {
	engines, err := s.engines()
	if err != nil {
		return heights{}, err
	}
	theirs, err := s.teacherModel()
	if err != nil {
		return heights{}, err
	}
	of := func(e engine, model string, n int) func(context.Context) (peak, error) {
		t := task{Model: model, Width: n, Height: n, Threads: 1, Concurrent: 1}
		return func(ctx context.Context) (peak, error) { return askOf[peak](ctx, e.program, "peak", t) }
	}
	all, err := inTurn(ctx, s, "memory at "+size(n, n), []side[peak]{
		{"TensorFlow alone", of(engines[0], s.weightless(), 32)}, {"ours", of(engines[0], s.Model, n)}, {"the teacher", of(engines[0], theirs, n)},
		{"ONNX Runtime alone", of(engines[1], s.weightless(), 32)}, {"ours, ONNX Runtime", of(engines[1], s.Model, n)},
	}...)
	if err != nil {
		return heights{}, err
	}
	h := heights{side: n}
	above := func(of, base []peak) (all []float64) {
		for i := range of {
			all = append(all, float64(of[i].Peak-base[i].Loaded))
		}
		return all
	}
	h.ours, h.teacher, h.onnx = above(all[1], all[0]), above(all[2], all[0]), above(all[4], all[3])
	return h, nil
}

// ofTheTeacher returns our memory as a share of the teacher's.
func (h heights) ofTheTeacher() spread {
	return compare(h.ours, h.teacher, func(o, t float64) float64 { return o / t })
}

func (h heights) table() string {
	row := func(name string, of []float64) []string {
		v := spreadOf(of)
		return []string{name, size(h.side, h.side), fmt.Sprintf("%s (%s..%s)", mb(v.median), mb(v.least), mb(v.most)), fmt.Sprintf("%.0f", v.median/float64(h.side*h.side))}
	}
	ratio := h.ofTheTeacher()
	return table(
		[]string{"", "size", "peak above the library", "bytes per pixel", "of the teacher's", "goal", ""},
		append(append(row("ours", h.ours), ratio.show("%.2f")), atMost(goalMemory, ratio.median)...),
		append(append(row("teacher", h.teacher), ""), noGoal...),
		append(append(row("ours, ONNX Runtime", h.onnx), ""), noGoal...),
	)
}

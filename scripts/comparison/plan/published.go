package plan

import (
	"errors"
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// The service times that are used without runs: medians from scripts/bench-results.md, section
// lambda, in seconds. One processor corresponds to 1,769 MB of a function.
var published = []struct {
	engine   string
	memoryMB int
	first    float64 // from the start of the process to its first picture, a small one
	warm     map[int]float64
}{
	{measurement.TensorFlow, 1769, 0.55, map[int]float64{512: 0.081, 1024: 0.221, 2048: 1.124}},
	{measurement.ONNX, 1769, 0.11, map[int]float64{512: 0.095, 1024: 0.379, 2048: 2.112}},
	{measurement.TensorFlow, 3007, 0.56, map[int]float64{512: 0.036, 1024: 0.128, 2048: 0.578}},
	{measurement.ONNX, 3007, 0.09, map[int]float64{512: 0.061, 1024: 0.207, 2048: 1.176}},
}

// Published returns the times of scripts/bench-results.md for pictures of 512, 1024 or 2048 px.
// They are medians, so intervals computed from them do not include differences between runs.
func Published(size int) (Times, error) {
	t := Times{
		Size: size, of: map[environment]service{},
		Source: Source{
			Basis: cost.Measured.String(), From: "scripts/bench-results.md, lambda: medians only",
			Date: "2026-11-27", Machine: "Intel(R) Xeon(R) Processor, 2 cores",
		},
	}
	for _, p := range published {
		warm, ok := p.warm[size]
		if !ok {
			return t, invalid("there are no service times for pictures of %d px: use 512, 1024 or 2048, or your own runs with --data", size)
		}
		s := service{warm: [][]float64{{warm}}, start: [][]float64{{p.first}}}
		t.of[environment{p.engine, p.memoryMB}] = s
		if p.memoryMB == 1769 {
			t.of[environment{p.engine, 0}] = s
		}
	}
	return t, nil
}

// committed is the folder of the repository with the exported runs of a full measurement.
const committed = "scripts/comparison/results"

// Default returns the times of the committed measurement of a checkout; if it has none for the size
// of the pictures, those of [Published].
func Default(root string, size int) (Times, error) {
	dir := filepath.Join(root, committed)
	if !measurement.Exported(dir) {
		return Published(size)
	}
	runs, err := measurement.Load(dir)
	if err != nil {
		return Times{}, err
	}
	t, err := Measured(runs, committed, size)
	if bad := (*InputError)(nil); errors.As(err, &bad) {
		return Published(size)
	}
	return t, err
}

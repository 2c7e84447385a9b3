package main

import (
	"errors"
	"os"
)

// An engine is a program that measures with it: this one, or the same program built with ONNX
// Runtime.
type engine struct {
	name    string
	program string
	library string   // folder of the library
	model   []string // patterns of the model's files that it reads
	start   float64  // goal for the time from process start to first picture, in seconds
}

// engines returns TensorFlow, which is the reference, and ONNX Runtime.
func (s *session) engines() ([]engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if s.TensorFlow == "" || s.ORT == "" {
		return nil, errors.New("TensorFlow or ONNX Runtime is not installed: run scripts/setup")
	}
	if s.ONNX == "" {
		return nil, errors.New("the program with ONNX Runtime is missing: run scripts/bench, which builds it")
	}
	return []engine{
		{"TensorFlow", self, s.TensorFlow, []string{"saved_model.pb", "variables/*", "styles.json"}, 0.6},
		{"ONNX Runtime", s.ONNX, s.ORT, []string{"*.onnx", "styles.json"}, 0.12},
	}, nil
}

// unavailable is the reason why a benchmark can't be run. If all benchmarks are run, this one is left
// out; if it was named, this is an error.
type unavailable struct{ what string }

func (l *unavailable) Error() string { return l.what }

package main

import (
	"errors"
	"os"
)

// An engine is a program that measures with it: this one, or the same built with
// ONNX Runtime.
type engine struct {
	name    string
	program string
	library string   // its folder
	model   []string // which of the model's files it reads
	start   float64  // the goal of process start to first picture, in seconds
}

// engines are TensorFlow, which is the reference, and ONNX Runtime.
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

// lacking says what a benchmark can't be run without. Where all are run it is
// left out; where it is named, that is an error.
type lacking struct{ what string }

func (l *lacking) Error() string { return l.what }

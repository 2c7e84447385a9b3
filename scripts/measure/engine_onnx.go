//go:build onnx

package main

import (
	"errors"
	"time"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/onnx"
	"github.com/atelier-go/atelier/pkg/engines"
)

func loadModel(cfg model.Config) (*model.Model, error) { return onnx.Load(onnx.Config{Config: cfg}) }

var footprint = engines.FootprintOf("onnx")

// The program with TensorFlow measures the machine's peak.

func peakOfMachine(time.Duration) (float64, error) { return 0, errors.ErrUnsupported }

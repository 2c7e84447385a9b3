//go:build !onnx

package main

import (
	"github.com/atelier-go/atelier/model/tensorflow"
	"github.com/atelier-go/atelier/pkg/engines"
	"github.com/atelier-go/atelier/scripts/measure/yardstick"
)

// The measured engine. A second program, built with -tags onnx, measures ONNX Runtime.
var (
	loadModel = tensorflow.Load
	footprint = engines.FootprintOf("tensorflow")

	peakOfMachine = yardstick.Peak
)

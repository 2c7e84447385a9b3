//go:build !onnx

package main

import (
	"github.com/atelier-go/atelier/model/tensorflow"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/measure/yardstick"
)

// The engine that is measured: built with -tags onnx, as a second program, it is
// ONNX Runtime.
var (
	loadModel = tensorflow.Load
	footprint = job.FootprintTensorFlow

	peakOfMachine = yardstick.Peak
)

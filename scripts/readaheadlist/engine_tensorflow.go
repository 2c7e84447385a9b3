//go:build !onnx

package main

import "github.com/atelier-go/atelier/model/tensorflow"

var loadModel = tensorflow.Load

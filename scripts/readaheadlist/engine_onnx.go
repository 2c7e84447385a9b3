//go:build onnx

package main

import (
	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/onnx"
)

func loadModel(cfg model.Config) (*model.Model, error) { return onnx.Load(onnx.Config{Config: cfg}) }

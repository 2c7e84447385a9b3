//go:build !onnx

package painter

import (
	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/tensorflow"
	"github.com/atelier-go/atelier/pkg/job"
)

// engine is what TensorFlow needs to be told: nothing.
type engine struct{}

func (engine) load(cfg model.Config) (*model.Model, error) { return tensorflow.Load(cfg) }

var footprint = job.FootprintTensorFlow

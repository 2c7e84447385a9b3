//go:build !onnx

package painter

import (
	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/tensorflow"
)

// engineName is the name of the linked engine in pkg/engines.
const engineName = "tensorflow"

// load loads a model with the linked engine, whose library is linked too.
func load(cfg model.Config, _ string) (*model.Model, error) { return tensorflow.Load(cfg) }

//go:build !onnx

package painter

import (
	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/tensorflow"
)

// engineName is the name of the linked engine, as in pkg/engines.
const engineName = "tensorflow"

// load loads a model. The engine's library is linked to this program.
func load(cfg model.Config, _ string) (*model.Model, error) { return tensorflow.Load(cfg) }

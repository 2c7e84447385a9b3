//go:build onnx

package painter

import (
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/onnx"
)

// engineName is the name of the linked engine, as in pkg/engines.
const engineName = "onnx"

// load loads a model. library is the file of the engine's library; "" is the default one.
func load(cfg model.Config, library string) (*model.Model, error) {
	m, err := onnx.Load(onnx.Config{Config: cfg, Library: library})
	if errors.Is(err, onnx.ErrLibrary) {
		err = fmt.Errorf("%w: scripts/setup installs it; set --onnxruntime or ATELIER_ONNXRUNTIME if it is elsewhere", err)
	}
	return m, err
}

//go:build onnx

package painter

import (
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/onnx"
	"github.com/atelier-go/atelier/pkg/job"
)

// engine is what ONNX Runtime needs to be told.
type engine struct {
	Library string `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" help:"The file of ONNX Runtime's library, from release 1.24 on. Default: the one that scripts/setup has installed where this program was built, else the system's." placeholder:"FILE"`
}

func (e engine) load(cfg model.Config) (*model.Model, error) {
	m, err := onnx.Load(onnx.Config{Config: cfg, Library: e.Library})
	if errors.Is(err, onnx.ErrLibrary) {
		err = fmt.Errorf("%w: scripts/setup installs it, and --onnxruntime or ATELIER_ONNXRUNTIME says where else it is", err)
	}
	return m, err
}

var footprint = job.FootprintONNX

//go:build onnx

package flags

// engine has the flags of the linked engine, ONNX Runtime.
type engine struct {
	Library string `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" help:"The file of ONNX Runtime's library, from release 1.24 on. Default: the one that scripts/setup has installed where this program was built, else the system's." placeholder:"FILE"`
}

func (e engine) library() string { return e.Library }

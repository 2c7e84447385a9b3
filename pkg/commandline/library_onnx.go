//go:build onnx

package commandline

// A library is the flag of ONNX Runtime.
type library struct {
	File string `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" help:"The file of ONNX Runtime's library, from release 1.24 on. Default: the one that scripts/setup has installed where this program was built, else the system's." placeholder:"FILE"`
}

// Library returns the file of the engine's library; "" is the default one.
func (l library) Library() string { return l.File }

//go:build !onnx

package commandline

// TensorFlow's library is linked, and has no flag.
type library struct{}

// Library returns the file of the engine's library; "" is the default one.
func (library) Library() string { return "" }

//go:build !onnx

package flags

// engine are the flags of an engine that has none.
type engine struct{}

func (engine) library() string { return "" }

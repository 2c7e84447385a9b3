//go:build !onnx

package flags

// engine has the flags of the linked engine. This engine has none.
type engine struct{}

func (engine) library() string { return "" }

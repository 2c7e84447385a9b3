// Package onnx runs a model's ONNX files with ONNX Runtime, for processes that
// must start fast. It is the only package that calls ONNX Runtime, through
// github.com/yalue/onnxruntime_go, which opens the library while the program runs.
//
// The files lie beside the SavedModel, come from the same weights and paint alike:
//
//	transform.onnx      content  float32 [1,3,H,W]  the photograph
//	                    vector   float32 [1,N]      the style
//	                    -> output_0 float32 [1,3,H,W]
//	predict_style.onnx  style    float32 [1,3,h,w]  the style's picture
//	                    -> vector float32 [1,N]
//
// with RGB in 0..1, in planes.
//
// A file may come from anybody. It is read more strictly than ONNX Runtime does, and
// accepted with ONNX's own operators that compute (operators.go), without graphs within
// graphs, functions and tensors in other files: ONNX Runtime would read those from the
// process's working directory.
package onnx

// Package onnx runs the ONNX files of a model with ONNX Runtime, for processes that must start
// fast. It is the only package that calls ONNX Runtime, through github.com/yalue/onnxruntime_go,
// which opens the library at run time.
//
// The files are in the same folder as the SavedModel, have the same weights, and paint the same:
//
//	transform.onnx      content  float32 [1,3,H,W]  the photograph
//	                    vector   float32 [1,N]      the style
//	                    -> output_0 float32 [1,3,H,W]
//	predict_style.onnx  style    float32 [1,3,h,w]  the style's picture
//	                    -> vector float32 [1,N]
//
// The values of pixels are 0..1, in three planes: red, green and blue.
//
// The files are untrusted. This package is stricter than ONNX Runtime: the files may contain only
// those of ONNX's own operators that compute (operators.go), and no subgraphs, functions, or
// tensors in other files, which ONNX Runtime would read from the working directory of the process.
package onnx

// Package model repaints photographs with a neural network. It is independent of jobs and queues,
// and reads no files except the model's own. An engine runs the network; each engine is a package of
// its own with the only cgo that it needs: model/tensorflow, the reference, and model/onnx, which
// starts faster and needs less memory. A program links the engine that it calls.
//
// A model is a folder with the files of one engine or of both, which must then paint the same, and
// with a styles.json, which has the model's name and the vectors of named styles. Jobs can use only
// the styles that are in the catalogue of pkg/style:
//
//	{"model": "atelier-1", "vectors": {"night-swirl": [0.1, ...]}}
//
// If a style is a vector, it can be stored, cached, mixed and interpolated between the photograph's
// own vector and the style's. A model without vectors runs the whole network for every style of a
// blend, and strength is a cross-fade with the photograph.
package model

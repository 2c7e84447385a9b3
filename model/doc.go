// Package model repaints photographs with a neural network, and knows nothing of
// jobs, queues or files other than the model's own. What runs the network is an
// engine, each in a package of its own with the only cgo that it needs:
// model/tensorflow, which is the reference, and model/onnx, which starts faster
// and needs less memory. A program links the one that it calls.
//
// A model is a folder with the files of one engine or of both, which then must
// paint alike, and with a styles.json, which names the model and holds the vectors
// of named styles. Jobs can ask for those alone that are in the catalogue of pkg/style:
//
//	{"model": "atelier-1", "vectors": {"night-swirl": [0.1, ...]}}
//
// Where a style is a vector, it is stored, kept, mixed and moved between the
// photograph's own and the style's. A model without vectors runs the whole network
// for every style of a blend, and strength is a cross-fade with the photograph.
package model

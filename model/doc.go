// Package model repaints photographs with a neural network. It knows nothing of jobs and queues,
// and reads no files except the model's own. An engine runs the network. Each engine is a package
// of its own, with the only cgo that it needs: model/tensorflow, the reference, and model/onnx,
// which starts faster and needs less memory. A program links the engine that it calls.
//
// A model is a folder. It has the files of one engine or of both, which must then paint the same,
// and a styles.json with the model's name and the vectors of named styles. Jobs can use only styles
// that are also in the catalogue of pkg/style:
//
//	{"model": "atelier-1", "vectors": {"night-swirl": [0.1, ...]}}
//
// A style that is a vector can be stored and cached. Blends are weighted sums of vectors, and
// strength moves between the vector of the photograph itself and that of the style. A model without
// vectors runs the whole network once for each style of a blend, and strength is a cross-fade with
// the photograph.
package model

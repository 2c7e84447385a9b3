// Package model repaints photographs with a TensorFlow SavedModel. It is the only
// package that links TensorFlow, through github.com/galeone/tfgo, and it knows
// nothing of jobs, queues or files other than the model's own.
//
// The model is a folder with a SavedModel under the tag "serve", whose signatures
// are
//
//	serving_default  placeholder   float32 [1,H,W,3]  the photograph
//	                 placeholder_1 float32 [1,h,w,3]  the style's picture
//	                 -> output_0   float32 [1,H',W',3]
//	predict_style    style         float32 [1,h,w,3]
//	                 -> vector     float32 [1,N]
//	transform        content       float32 [1,H,W,3]
//	                 vector        float32 [1,N]
//	                 -> output_0   float32 [1,H',W',3]
//
// with RGB in 0..1 and H' and W' up to 3 larger than H and W. The first is
// required, and is the signature of Magenta's arbitrary image stylization on
// TensorFlow Hub, which therefore drops in. The other two come together: with
// them a style is a vector, which is stored, kept, mixed and moved between the
// photograph's own and the style's; without them every style of a blend is a run
// of the whole network, and strength is a cross-fade with the photograph.
//
// Beside the SavedModel there may be a styles.json, which names the model and
// holds the vectors of named styles:
//
//	{"model": "atelier-1", "vectors": {"night-swirl": [0.1, ...]}}
//
// Two variables count only in the environment with which the process starts; set
// later, from Go or from C, they have no effect. TF_CPP_MIN_LOG_LEVEL=2 quietens
// TensorFlow, which prints to standard error by itself. MALLOC_ARENA_MAX=2 keeps
// glibc from spreading pictures over many heaps, and memory lower by 100 MB.
package model

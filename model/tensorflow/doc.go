// Package tensorflow runs a model's SavedModel. It is the only package that links TensorFlow, through
// github.com/galeone/tfgo.
//
// The SavedModel has the tag "serve" and the signatures
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
// with RGB in 0..1 and H' and W' up to 3 larger than H and W. The first is required; it is the
// signature of Magenta's arbitrary image stylization on TensorFlow Hub, which can therefore be used as
// it is. The other two must occur together: with them a style is a vector, without them a picture.
//
// A SavedModel is a program, and TensorFlow is not a sandbox: it has operations that write files and
// open connections, and runs some when it loads a model. This package therefore first checks each node
// of each graph and function (ops.go, check.go). It accepts those that only compute, and those of a
// saver if they run only during loading and read only the folder's own variables. It parses the file
// more strictly than TensorFlow, so that both see the same graph, and refuses saved_model.pbtxt,
// saved_model.cpb, assets, devices of other machines, and links that lead out of the folder. What
// remains is computation: it can take unlimited time and memory, which a worker's watchdog and memory
// limit bound, or trigger a fault in TensorFlow. The folder must not change during loading, because
// TensorFlow reads it again.
//
// Two variables are effective only in the environment with which the process starts; setting them
// later, from Go or from C, has no effect. TF_CPP_MIN_LOG_LEVEL=2 silences TensorFlow, which logs to
// standard error by itself. MALLOC_ARENA_MAX=2 keeps glibc from distributing pictures over many
// heaps, which saves 100 MB.
package tensorflow

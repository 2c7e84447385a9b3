// Package tensorflow runs a model's SavedModel. It is the only package that links
// TensorFlow, through github.com/galeone/tfgo.
//
// The SavedModel is under the tag "serve", and its signatures are
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
// them a style is a vector, without them a picture.
//
// A SavedModel is a program, and TensorFlow no sandbox: it has operations that write
// files and open connections, and runs some when it loads. So the package judges each node
// of each graph and function first (ops.go, check.go), and accepts those that compute, and
// a saver's where nothing but loading runs it, from the folder's own variables. It reads
// the file more strictly than TensorFlow's parser does, so that both see the same; and
// refuses saved_model.pbtxt, saved_model.cpb, assets, devices elsewhere, and links that lead
// out of the folder. What remains is computation: it can take time and memory without end,
// which a worker's watchdog and memory limit bound, or meet a fault in TensorFlow. Nothing
// may change in the folder while it is loaded, since TensorFlow reads it once more.
//
// Two variables count only in the environment with which the process starts; set
// later, from Go or from C, they have no effect. TF_CPP_MIN_LOG_LEVEL=2 quietens
// TensorFlow, which prints to standard error by itself. MALLOC_ARENA_MAX=2 keeps
// glibc from spreading pictures over many heaps, and memory lower by 100 MB.
package tensorflow

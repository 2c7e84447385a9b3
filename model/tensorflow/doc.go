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
// Two variables count only in the environment with which the process starts; set
// later, from Go or from C, they have no effect. TF_CPP_MIN_LOG_LEVEL=2 quietens
// TensorFlow, which prints to standard error by itself. MALLOC_ARENA_MAX=2 keeps
// glibc from spreading pictures over many heaps, and memory lower by 100 MB.
package tensorflow

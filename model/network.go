package model

import "image"

// An Engine reads and checks a model's files for [Open], and returns a function that loads them with
// its library. The library must not read them before, because the files are untrusted. Its errors
// say what was found and what is expected.
type Engine func(cfg Config, files *Folder) (load func() (*Loaded, error), err error)

// A Loaded is a loaded network. It has either Vectors or Pictures.
type Loaded struct {
	// Engine is the library and its version, such as "tensorflow 2.21.0".
	Engine string
	// Signatures are the model's signatures, sorted.
	Signatures []string
	// Width is the length of a style's vector.
	Width int

	Vectors  VectorNetwork
	Pictures PictureNetwork
	// Close frees the network. It is called once, when no other call is running.
	Close func()
}

// A VectorNetwork represents styles as vectors. Its methods are called concurrently by as many
// goroutines as [Config] allows. Pictures have bounds that begin at (0,0) and at least one pixel;
// their alpha is ignored.
type VectorNetwork interface {
	// Read returns the vector of a style's picture, Width numbers.
	Read(style *image.RGBA) ([]float32, error)
	// Paint repaints content with a style and blends the result over dst, which has content's
	// size: each value becomes (1-share) of the old value and share of the network's, clipped
	// to 0..255. dst becomes opaque. nans is how many of the network's values were NaN; they
	// count as 0.
	Paint(content *image.RGBA, style []float32, dst *image.RGBA, share float32) (nans int, err error)
}

// A PictureNetwork represents styles only as pictures, as the models of TensorFlow Hub do. The
// requirements of [VectorNetwork] apply to it too.
type PictureNetwork interface {
	Paint(content, style, dst *image.RGBA, share float32) (nans int, err error)
}

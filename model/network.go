package model

import "image"

// An Engine reads and checks a model's files, for [Open], and returns what hands them
// to its library: the library must not see them before, since the folder may hold
// whatever somebody has put there. Its errors say what was found there and what is
// expected.
type Engine func(cfg Config, files *Folder) (load func() (*Loaded, error), err error)

// A Loaded is what an engine has read. It has Vectors or Pictures.
type Loaded struct {
	// Engine is the library and its version, such as "tensorflow 2.21.0".
	Engine string
	// Signatures are the model's signatures, sorted.
	Signatures []string
	// Width is how many numbers a style's vector has.
	Width int

	Vectors  VectorNetwork
	Pictures PictureNetwork
	// Close frees the network. It is called once, when nothing runs any more.
	Close func()
}

// A VectorNetwork knows styles as vectors. Its methods are called by as many
// goroutines at once as are concurrent in the [Config]. Pictures have bounds that
// begin at (0,0) and at least one pixel; their alpha is ignored.
type VectorNetwork interface {
	// Read returns the vector of a style's picture, as long as Width says.
	Read(style *image.RGBA) ([]float32, error)
	// Paint repaints content with a style and draws the outcome over dst, which
	// has its size: each value becomes (1-share) of what is there and share of the
	// answer, cut to 0..255. dst becomes opaque. odd is how many values of the
	// answer were no numbers; they count as 0.
	Paint(content *image.RGBA, style []float32, dst *image.RGBA, share float32) (odd int, err error)
}

// A PictureNetwork knows styles only as pictures, as the hub's models do. What is
// said of [VectorNetwork] holds for it too.
type PictureNetwork interface {
	Paint(content, style, dst *image.RGBA, share float32) (odd int, err error)
}

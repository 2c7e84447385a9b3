package model

import "image"

// An Engine reads and checks the files of a model for [Open], and returns a function that loads
// them with the engine's library. The library must not read them earlier, because the files are
// untrusted. Errors say what was found and what is expected.
type Engine func(cfg Config, files *Folder) (load func() (*Loaded, error), err error)

// A Loaded is a network that was loaded. Either Vectors or Pictures is set.
type Loaded struct {
	// Engine is the name and version of the library, such as "tensorflow 2.21.0".
	Engine string
	// Signatures are the model's signatures, sorted.
	Signatures []string
	// Width is the length of the vector of a style.
	Width int

	Vectors  VectorNetwork
	Pictures PictureNetwork
	// Close frees the network. It is called once, when no other call is running.
	Close func()
}

// A VectorNetwork is a network whose styles are vectors. As many goroutines as [Config] allows call
// its methods at the same time. The pictures that it gets have at least one pixel and bounds that
// begin at (0,0). It ignores their alpha.
type VectorNetwork interface {
	// Read returns the vector of the style that a picture shows. It has Width numbers.
	Read(style *image.RGBA) ([]float32, error)
	// Paint repaints content in a style and blends the result over dst, which has the same size:
	// each value becomes (1-share) times the old value plus share times that of the network,
	// clipped to 0..255. dst becomes opaque. nans is how many of the network's values were NaN;
	// they are drawn as 0.
	Paint(content *image.RGBA, style []float32, dst *image.RGBA, share float32) (nans int, err error)
}

// A PictureNetwork is a network whose styles are pictures only, as in the models of TensorFlow Hub.
// What is said of the calls and pictures of a [VectorNetwork] holds for it too.
type PictureNetwork interface {
	Paint(content, style, dst *image.RGBA, share float32) (nans int, err error)
}

package style

import "image"

// A Request is one picture to be repainted, as the worker hands it to an engine.
type Request struct {
	// Content is the photograph: opaque (every alpha 255), sRGB, upright, with
	// bounds that begin at (0, 0). It is not changed.
	Content *image.RGBA
	// Mix names the style or styles and their weights. Empty when Picture is set.
	Mix Mix
	// Picture is a style picture of the user's own, of any size, in the same form
	// as Content; nil when Mix is set.
	Picture *image.RGBA
	// Strength is 0 (the photograph) to 1 (the style).
	Strength float64
}

package style

import "image"

// A Request is one picture to be repainted, as the worker passes it to an engine.
type Request struct {
	// Content is the photograph: opaque (every alpha 255), sRGB, upright, with
	// bounds that begin at (0, 0). It is not changed.
	Content *image.RGBA
	// Mix names the style or styles and their weights. It is empty if Picture is set.
	Mix Mix
	// Picture is the user's own style picture, of any size, in the same form as Content; nil
	// if Mix is set.
	Picture *image.RGBA
	// Strength is 0 (the photograph) to 1 (the style).
	Strength float64
}

// Package pixel converts a pixel's bytes to the numbers of a network and back. It is shared by the
// engines, which arrange the numbers differently.
package pixel

// Unit maps a byte i to i/255.
var Unit = func() (unit [256]float32) {
	for i := range unit {
		unit[i] = float32(i) / 255
	}
	return unit
}()

// A Blender blends the output of a network over a picture: each value becomes (1-share) of the old
// value and share of the output.
type Blender struct {
	scale, keep float32
	// NaNs counts values that are NaN; they are drawn as 0.
	NaNs int
}

// NewBlender returns a Blender for a share of 0 to 1.
func NewBlender(share float32) Blender { return Blender{scale: 255 * share, keep: 1 - share} }

// Blend returns the blended value of an old byte and the network's v, which should be 0 to 1. v is
// clamped before blending, so that an infinite value does not hide the old one.
func (b *Blender) Blend(old uint8, v float32) uint8 {
	switch {
	case v >= 1:
		v = b.scale
	case v > 0:
		v *= b.scale
	default:
		if v != v {
			b.NaNs++
		}
		v = 0
	}
	return uint8(v + float32(old)*b.keep + 0.5)
}

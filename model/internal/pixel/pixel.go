// Package pixel converts the bytes of a pixel to the numbers of a network and back. All engines use
// it; each arranges the numbers in its own way.
package pixel

// Unit maps a byte i to i/255.
var Unit = func() (unit [256]float32) {
	for i := range unit {
		unit[i] = float32(i) / 255
	}
	return unit
}()

// A Blender blends the output of a network over a picture: each value becomes (1-share) times the
// old value plus share times the output.
type Blender struct {
	scale, keep float32
	// NaNs counts the values that are NaN (not a number). They are drawn as 0.
	NaNs int
}

// NewBlender returns a Blender for a share of 0 to 1.
func NewBlender(share float32) Blender { return Blender{scale: 255 * share, keep: 1 - share} }

// Blend returns the value that replaces the byte old where the network's output is v. v should be 0
// to 1, and is limited to that first, because an infinite v would leave nothing of old in the result.
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

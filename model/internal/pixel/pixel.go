// Package pixel is how a pixel's bytes become the numbers of a network, and the
// other way round: the same for every engine, whatever order it wants them in.
package pixel

// Unit is i/255.
var Unit = func() (unit [256]float32) {
	for i := range unit {
		unit[i] = float32(i) / 255
	}
	return unit
}()

// A Brush draws the answer of a network over a picture: each value becomes
// (1-share) of what is there and share of the answer.
type Brush struct {
	scale, keep float32
	// Odd counts values that are no numbers; they are drawn as 0.
	Odd int
}

// NewBrush returns a brush that covers share, 0 to 1, of what is there.
func NewBrush(share float32) Brush { return Brush{scale: 255 * share, keep: 1 - share} }

// Over is what becomes of a byte under the network's v, which is meant to be 0 to
// 1. It is clamped before the cross-fade: an infinity would swallow what is there.
func (b *Brush) Over(old uint8, v float32) uint8 {
	switch {
	case v >= 1:
		v = b.scale
	case v > 0:
		v *= b.scale
	default:
		if v != v {
			b.Odd++
		}
		v = 0
	}
	return uint8(v + float32(old)*b.keep + 0.5)
}

package model

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/atelier-go/atelier/pkg/style"
)

// Stylize repaints req.Content. The result is opaque and has its size.
//
// At strength 1 the picture is painted with the style's vector; a blend's vector
// is the weighted sum of its styles'. Below 1 the vector moves towards that of the
// photograph itself, which leaves the photograph nearly, but not quite, as it was:
// so below 0.25 the painting is cross-faded with the photograph as well, and 0 is
// the photograph to the last bit. The path is continuous. A model without
// vectors paints once for each style, and strength and weights cross-fade the
// paintings and the photograph.
//
// An unknown name wraps job.ErrUnknownStyle. When ctx ends while others have
// the model busy, or between two runs of the network, Stylize returns ctx.Err(). A run
// can't be interrupted: once begun, it goes on to its end whatever becomes of ctx.
func (m *Model) Stylize(ctx context.Context, req style.Request) (*image.RGBA, error) {
	if err := m.check(req); err != nil {
		return nil, fmt.Errorf("stylize: %w", err)
	}
	if req.Strength == 0 {
		return copyOf(req.Content), nil
	}
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.leave()
	paint := m.paintWithPictures
	if m.info.Vectors {
		paint = m.paintWithVector
	}
	out, err := paint(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("stylize: %w", err)
	}
	return out, nil
}

// check refuses what a caller should not have sent.
func (m *Model) check(req style.Request) error {
	if err := usable(req.Content); err != nil {
		return fmt.Errorf("the photograph: %w", err)
	}
	if !(req.Strength >= 0 && req.Strength <= 1) {
		return fmt.Errorf("strength must be 0 to 1, not %v", req.Strength)
	}
	if req.Picture != nil {
		if len(req.Mix) > 0 {
			return errors.New("a named style and a picture: one of them is expected")
		}
		if err := usable(req.Picture); err != nil {
			return fmt.Errorf("the style's picture: %w", err)
		}
		return nil
	}
	if len(req.Mix) == 0 {
		return errors.New("no style and no picture: one of them is expected")
	}
	for _, in := range req.Mix {
		if !(in.Weight > 0 && in.Weight <= 1) {
			return fmt.Errorf("the weight of %s must be over 0 and at most 1, not %v", in.Name, in.Weight)
		}
		if err := m.known(in.Name); err != nil {
			return err
		}
	}
	return nil
}

func usable(img *image.RGBA) error {
	switch {
	case img == nil || img.Rect.Empty():
		return errors.New("it has no pixels")
	case img.Rect.Min != image.Point{}:
		return fmt.Errorf("its bounds begin at %v, not at (0,0)", img.Rect.Min)
	}
	return nil
}

// paintWithVector repaints with the vector of what is asked for.
func (m *Model) paintWithVector(ctx context.Context, req style.Request) (*image.RGBA, error) {
	vector, err := m.vectorFor(req)
	if err != nil {
		return nil, err
	}
	s := float32(req.Strength)
	if s < 1 {
		own, err := m.vectorOfPicture(req.Content)
		if err != nil {
			return nil, err
		}
		vector = between(own, vector, s)
	}
	out, share := image.NewRGBA(req.Content.Rect), float32(1)
	if s < fadeBelow {
		out, share = copyOf(req.Content), s/fadeBelow
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	odd, err := m.loaded.Vectors.Paint(req.Content, vector, out, share)
	if err != nil {
		return nil, err
	}
	return out, m.note(odd, out)
}

// fadeBelow is the strength below which the photograph itself shines through.
const fadeBelow = 0.25

// paintWithPictures repaints once for each style that is asked for.
func (m *Model) paintWithPictures(ctx context.Context, req style.Request) (*image.RGBA, error) {
	looks, err := m.picturesFor(req)
	if err != nil {
		return nil, err
	}
	// One painting over the other: when each covers its share of all so far, the
	// last one leaves every one with its weight. What is there at first is the
	// photograph, with what strength leaves to it.
	out := copyOf(req.Content)
	sum := 1 - float32(req.Strength)
	for _, look := range looks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		weight := look.weight * float32(req.Strength)
		sum += weight
		odd, err := m.loaded.Pictures.Paint(req.Content, look.picture, out, weight/sum)
		if err != nil {
			return nil, err
		}
		if err := m.note(odd, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// note logs that a network answered with values that are no numbers, which are black. It is
// an error where that is most of the picture: nobody asked for a black one.
func (m *Model) note(odd int, painted *image.RGBA) error {
	all := painted.Rect.Dx() * painted.Rect.Dy() * 3
	if odd > all/2 {
		return fmt.Errorf("of %d values with which the network answered, %d are no numbers: the model is damaged, or the vector of the style is none of its own", all, odd)
	}
	if odd > 0 {
		m.log.Warn("the network answered with values that are no numbers", "model", m.info.Name, "values", odd, "of", all)
	}
	return nil
}

// between is a where s is 0 and b where it is 1.
func between(a, b []float32, s float32) []float32 {
	v := make([]float32, len(a))
	for i := range v {
		v[i] = a[i] + s*(b[i]-a[i])
	}
	return v
}

// copyOf is img without its padding, opaque.
func copyOf(img *image.RGBA) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		copy(out.Pix[y*out.Stride:][:w*4], img.Pix[y*img.Stride:])
	}
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 255
	}
	return out
}

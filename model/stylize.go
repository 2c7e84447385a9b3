package model

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/atelier-go/atelier/pkg/style"
)

// Stylize repaints req.Content. The result is opaque and has the same size.
//
// At strength 1 the picture is painted with the vector of the style; for a blend, that is the
// weighted sum of the vectors of its styles. Below 1, the vector lies between that and the vector
// of the photograph itself. The latter reproduces the photograph nearly, but not exactly. Below
// 0.25 the painting is therefore also cross-faded with the photograph, and 0 returns the photograph
// unchanged. The result changes continuously with the strength. A model without vectors paints once
// for each style, and cross-fades the paintings and the photograph by weights and strength.
//
// For an unknown name the error wraps job.ErrUnknownStyle. If ctx ends while the call waits for a
// slot, or between two runs of the network, Stylize returns ctx.Err(). A run can't be interrupted.
func (m *Model) Stylize(ctx context.Context, req style.Request) (*image.RGBA, error) {
	if err := m.check(req); err != nil {
		return nil, fmt.Errorf("stylize: %w", err)
	}
	if req.Strength == 0 {
		return copyOf(req.Content), nil
	}
	if err := m.acquireSlot(ctx); err != nil {
		return nil, err
	}
	defer m.releaseSlot()
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

// check returns an error for an invalid request.
func (m *Model) check(req style.Request) error {
	if err := usable(req.Content); err != nil {
		return fmt.Errorf("the photograph: %w", err)
	}
	if !(req.Strength >= 0 && req.Strength <= 1) {
		return fmt.Errorf("strength must be 0 to 1, not %v", req.Strength)
	}
	if req.Picture != nil {
		if len(req.Mix) > 0 {
			return errors.New("both a named style and a picture: exactly one is expected")
		}
		if err := usable(req.Picture); err != nil {
			return fmt.Errorf("the style's picture: %w", err)
		}
		return nil
	}
	if len(req.Mix) == 0 {
		return errors.New("no style and no picture: exactly one is expected")
	}
	for _, in := range req.Mix {
		if !(in.Weight > 0 && in.Weight <= 1) {
			return fmt.Errorf("the weight of %s must be over 0 and at most 1, not %v", in.Name, in.Weight)
		}
		if err := m.checkName(in.Name); err != nil {
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

// paintWithVector repaints with the vector of the requested style.
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
	nans, err := m.loaded.Vectors.Paint(req.Content, vector, out, share)
	if err != nil {
		return nil, err
	}
	return out, m.checkNaNs(nans, out)
}

// fadeBelow is the strength below which the painting is cross-faded with the photograph.
const fadeBelow = 0.25

// paintWithPictures repaints once for each requested style.
func (m *Model) paintWithPictures(ctx context.Context, req style.Request) (*image.RGBA, error) {
	pictures, err := m.picturesFor(req)
	if err != nil {
		return nil, err
	}
	// Each painting is blended over the previous ones with its share of their total weight, so
	// that finally each has its own weight. The first layer is the photograph, with the weight
	// that strength leaves to it.
	out := copyOf(req.Content)
	sum := 1 - float32(req.Strength)
	for _, p := range pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		weight := p.weight * float32(req.Strength)
		sum += weight
		nans, err := m.loaded.Pictures.Paint(req.Content, p.picture, out, weight/sum)
		if err != nil {
			return nil, err
		}
		if err := m.checkNaNs(nans, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkNaNs logs how many values of the network were NaN; they are black in the picture. If most of
// them were, it returns an error, because nearly the whole picture would be black.
func (m *Model) checkNaNs(nans int, painted *image.RGBA) error {
	all := painted.Rect.Dx() * painted.Rect.Dy() * 3
	if nans > all/2 {
		return fmt.Errorf("of the network's %d values, %d are NaN: the model is damaged, or the style's vector is not one of its own", all, nans)
	}
	if nans > 0 {
		m.log.Warn("the network returned values that are not numbers (NaN); they are black in the picture", "model", m.info.Name, "values", nans, "of", all)
	}
	return nil
}

// between returns the vector between a and b, at s from 0 (a) to 1 (b).
func between(a, b []float32, s float32) []float32 {
	v := make([]float32, len(a))
	for i := range v {
		v[i] = a[i] + s*(b[i]-a[i])
	}
	return v
}

// copyOf returns an opaque copy of img without padding between rows.
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

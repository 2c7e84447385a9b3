package modeltest

import (
	"bytes"
	"image"
	"slices"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/style"
)

// Shipped paints every named style with the model in dir, which must be the one that comes with the
// project.
func (e Engine) Shipped(t *testing.T, dir string) {
	m := e.open(t, model.Config{Dir: dir})
	if !m.Info().Vectors {
		t.Error("got a model without vectors")
	}
	// Sides that are not multiples of 4.
	content := image.NewRGBA(image.Rect(0, 0, 123, 90))
	for y := range 90 {
		for x := range 123 {
			i := content.PixOffset(x, y)
			copy(content.Pix[i:], []uint8{uint8(x * 2), uint8(y * 2), uint8((x / 16 * 40) ^ (y / 16 * 30)), 255})
		}
	}
	seen := map[string]string{}
	for _, name := range style.Names() {
		if !slices.Contains(m.Info().Styles, name) {
			t.Errorf("%s has no stored vector", name)
		}
		req := style.Request{Content: content, Mix: style.Mix{{Name: name, Weight: 1}}, Strength: 1}
		got := Stylize(t, m, req)
		if again := Stylize(t, m, req); difference(got, again) > 0.01 {
			t.Errorf("%s: the second painting of the same picture differs", name)
		}
		if d := difference(got, content); d < 5 {
			t.Errorf("%s: got nearly the photograph, a mean difference of %.1f of 255", name, d)
		}
		if other := seen[string(got.Pix)]; other != "" {
			t.Errorf("%s and %s paint the same picture", name, other)
		}
		seen[string(got.Pix)] = name

		// Between the photograph and the style, the result changes without jumps, and
		// strength 0 is the photograph itself.
		last := content
		for _, strength := range []float64{0, 0.1, 0.2, 0.249, 0.251, 0.5, 0.75, 0.999, 1} {
			req.Strength = strength
			got := Stylize(t, m, req)
			if strength == 0 && !bytes.Equal(got.Pix, content.Pix) {
				t.Errorf("%s: strength 0 is not the photograph", name)
			}
			if d := difference(last, got); (strength == 0.251 || strength == 1) && d > 2 {
				t.Errorf("%s: a jump of %.1f of 255 at strength %v", name, d, strength)
			}
			last = got
		}
	}
}

// difference returns the mean difference of two pictures' values, 0 to 255.
func difference(a, b *image.RGBA) float64 {
	sum := 0
	for i := range a.Pix {
		sum += int(max(a.Pix[i], b.Pix[i]) - min(a.Pix[i], b.Pix[i]))
	}
	return float64(sum) / float64(len(a.Pix))
}

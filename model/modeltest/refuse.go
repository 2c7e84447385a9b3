package modeltest

import (
	"errors"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func (e Engine) refuses(t *testing.T) {
	photo, red := swatch.Filled(8, 8, swatch.Orange), style.Mix{{Name: "red", Weight: 1}}
	nan := math.NaN()
	tests := []struct {
		name string
		req  style.Request
		want string
		is   error
	}{
		{"unknown style", style.Request{Content: photo, Mix: style.Mix{{Name: "nobody", Weight: 1}}, Strength: 1}, "nobody", job.ErrUnknownStyle},
		{"unknown style at strength 0", style.Request{Content: photo, Mix: style.Mix{{Name: "nobody", Weight: 1}}}, "nobody", job.ErrUnknownStyle},
		{"unknown style in a blend", style.Request{Content: photo, Mix: style.Mix{{Name: style.Names()[0], Weight: 0.5}, {Name: "nobody", Weight: 0.5}}, Strength: 1}, "nobody", job.ErrUnknownStyle},
		{"no photograph", style.Request{Mix: red, Strength: 1}, "the photograph: it has no pixels", nil},
		{"moved photograph", style.Request{Content: image.NewRGBA(image.Rect(1, 1, 5, 5)), Mix: red, Strength: 1}, "bounds begin at (1,1)", nil},
		{"empty picture", style.Request{Content: photo, Picture: new(image.RGBA), Strength: 1}, "the style's picture: it has no pixels", nil},
		{"no style", style.Request{Content: photo, Strength: 1}, "no style and no picture", nil},
		{"two styles", style.Request{Content: photo, Mix: red, Picture: photo, Strength: 1}, "both a named style and a picture", nil},
		{"strength over 1", style.Request{Content: photo, Mix: red, Strength: 1.1}, "strength must be 0 to 1, not 1.1", nil},
		{"strength is NaN", style.Request{Content: photo, Mix: red, Strength: nan}, "strength must be 0 to 1, not NaN", nil},
		{"weight is NaN", style.Request{Content: photo, Mix: style.Mix{{Name: "red", Weight: nan}}, Strength: 1}, "the weight of red", nil},
	}
	m := e.Open(t, "full")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { WantError(t, m, tt.req, tt.want, tt.is) })
	}
}

func (e Engine) faults(t *testing.T) {
	photo := swatch.Filled(8, 8, swatch.Orange)
	for _, tt := range []struct{ model, want string }{
		{"fails", "running the network: "},
		{"bad-size", "shape"},
		{"no-numbers", "of the network's 192 values, 192 are NaN"},
		{"odd-vector", "a style vector that holds NaN"},
	} {
		m := e.Open(t, tt.model)
		for range 2 { // a failure does not change the model
			WantError(t, m, style.Request{Content: photo, Picture: photo, Strength: 1}, tt.want, nil)
		}
	}
}

// WantError checks that Stylize returns an error whose text contains want and which, unless is is
// nil, wraps is.
func WantError(t *testing.T, m *model.Model, req style.Request, want string, is error) {
	t.Helper()
	_, err := m.Stylize(t.Context(), req)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got error %v, want one containing %q", err, want)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("got %v, want an error that is %v", err, is)
	}
}

package modeltest

import (
	"errors"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
)

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

// Package modeltest is the test suite that every engine must pass. It uses the models of
// model/testdata, whose output can be computed by hand:
//
//	output = 0.5 * content + 0.5 * mean(style)
package modeltest

import (
	"image"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/style"
)

// An Engine is an engine under test.
type Engine struct {
	// Load is the engine's Load function.
	Load func(model.Config) (*model.Model, error)
	// Testdata is the folder of the test models.
	Testdata string
}

// Run tests an engine, on models whose styles are vectors.
func Run(t *testing.T, e Engine) {
	for _, test := range []struct {
		name string
		run  func(Engine, *testing.T)
	}{
		{"Info describes the model", Engine.info},
		{"a model without styles.json has its folder's name", Engine.unnamed},
		{"styles, blends and strengths", Engine.styles},
		{"a named style without a vector uses its picture", Engine.withoutVector},
		{"pixels stay in place", Engine.places},
		{"NaN and infinite values", Engine.notFinite},
		{"faults of the network are errors", Engine.faults},
		{"concurrent requests", Engine.concurrent},
		{"a canceled request, a closed model", Engine.ends},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(e, t) })
	}
}

// Open loads a test model, which is closed at the end of the test.
func (e Engine) Open(t *testing.T, name string) *model.Model {
	t.Helper()
	return e.open(t, model.Config{Dir: filepath.Join(e.Testdata, name)})
}

func (e Engine) open(t *testing.T, cfg model.Config) *model.Model {
	t.Helper()
	m, err := e.Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// Stylize paints a picture. An error fails the test.
func Stylize(t *testing.T, m *model.Model, req style.Request) *image.RGBA {
	t.Helper()
	got, err := m.Stylize(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

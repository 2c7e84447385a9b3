// Package modeltest is the suite that every engine must pass. The models that it
// paints with are those of model/testdata, whose answers can be computed by hand:
//
//	answer = 0.5 * content + 0.5 * mean(style)
package modeltest

import (
	"image"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/style"
)

// An Engine is what is tested.
type Engine struct {
	// Load is the engine's.
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
		{"a model says what it is", Engine.info},
		{"a model without styles.json goes by its folder's name", Engine.unnamed},
		{"a missing folder is fs.ErrNotExist", Engine.missing},
		{"settings out of range are refused", Engine.settings},
		{"styles, blends and strengths", Engine.styles},
		{"a named style without a vector is its picture", Engine.withoutVector},
		{"pixels keep their place", Engine.places},
		{"values that are no numbers", Engine.oddNumbers},
		{"what a caller should not send is refused", Engine.refuses},
		{"what the network does wrong is an error", Engine.faults},
		{"many at once", Engine.concurrent},
		{"a canceled request, a closed model", Engine.ends},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(e, t) })
	}
}

// Open loads a test model until the test ends.
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

// Stylize paints without an error.
func Stylize(t *testing.T, m *model.Model, req style.Request) *image.RGBA {
	t.Helper()
	got, err := m.Stylize(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

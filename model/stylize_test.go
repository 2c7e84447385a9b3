package model

import (
	"context"
	"errors"
	"image"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
)

// Tests that need no engine. The others are in modeltest and run with each engine.

func TestVectorsAreComputedOnlyWhenNeeded(t *testing.T) {
	f := new(fake)
	m := f.open(t, Config{})
	m.vectors["red"] = []float32{1, 0, 0}
	paint := func(req style.Request) {
		t.Helper()
		if _, err := m.Stylize(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	req := style.Request{Content: swatch.Filled(20, 20, swatch.Orange), Mix: style.Mix{{Name: "red", Weight: 1}}, Strength: 1}
	if paint(req); f.reads.Load() != 0 {
		t.Errorf("got %d vectors after a named style at strength 1, want 0", f.reads.Load())
	}
	req.Mix, req.Picture = nil, swatch.Filled(30, 30, swatch.Teal)
	paint(req)
	if paint(req); f.reads.Load() != 1 {
		t.Errorf("got %d vectors after the same picture twice, want 1", f.reads.Load())
	}
	req.Strength = 0.5
	paint(req)
	if paint(req); f.reads.Load() != 2 {
		t.Errorf("got %d vectors after a strength of 0.5, want the picture's and the photograph's", f.reads.Load())
	}
	req.Picture, req.Mix, req.Strength = nil, style.Mix{{Name: style.Names()[0], Weight: 1}}, 1
	paint(req)
	if paint(req); f.reads.Load() != 3 {
		t.Errorf("got %d vectors after a named style without a stored one, want it computed once", f.reads.Load())
	}
}

// A fakeHub is a model without vectors, like those of TensorFlow Hub.
type fakeHub struct{ during func() }

func (f fakeHub) Paint(content, style, dst *image.RGBA, share float32) (int, error) {
	f.during()
	return 0, nil
}

// A blend with a model without vectors takes several runs; cancellation takes effect after the
// current one.
func TestCanceledBlendEndsAfterCurrentRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	hub := fakeHub{func() { runs++; cancel() }}
	m, err := Open(Config{Dir: t.TempDir()}, func(Config, *Folder) (func() (*Loaded, error), error) {
		return func() (*Loaded, error) { return &Loaded{Engine: "fake 1", Pictures: hub, Close: func() {}}, nil }, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var blend style.Mix
	for _, name := range style.Names()[:4] {
		blend = append(blend, style.Ingredient{Name: name, Weight: 0.25})
	}
	_, err = m.Stylize(ctx, style.Request{Content: swatch.Filled(8, 8, swatch.Orange), Mix: blend, Strength: 1})
	if !errors.Is(err, context.Canceled) || runs != 1 {
		t.Errorf("got %v after %d runs, want context.Canceled after one", err, runs)
	}
}

package onnx

import (
	"os"
	"testing"
)

// A session is kept for pictures that its arena has room for, and no longer.
func TestPainters(t *testing.T) {
	if err := start(DefaultLibrary()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../testdata/full/transform.onnx")
	if err != nil {
		t.Fatal(err)
	}
	ps := newPainters(file, 1, 1)
	defer ps.close()
	var last *painter
	for _, step := range []struct {
		pixels int
		same   bool // as for the picture before
	}{
		{100, false}, {100, true}, {40, true}, {100, true},
		{101, false}, {60, true},
		{keepPixels, false}, {keepPixels + 1, false}, {40, false}, {30, true},
	} {
		p, err := ps.take(step.pixels)
		if err != nil {
			t.Fatal(err)
		}
		if same := p == last; same != step.same {
			t.Errorf("for %d pixels: got the last session: %t, want %t", step.pixels, same, step.same)
		}
		ps.put(p, step.pixels)
		last = p
	}
}

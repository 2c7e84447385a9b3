package onnx

import (
	"os"
	"testing"
)

// testPainters are n places to paint with a test model.
func testPainters(t *testing.T, n int) painters {
	t.Helper()
	if err := start(DefaultLibrary()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../testdata/full/transform.onnx")
	if err != nil {
		t.Fatal(err)
	}
	ps := newPainters(file, 1, n)
	t.Cleanup(ps.close)
	return ps
}

// A session is kept for pictures that its arena has room for, and no longer.
func TestPainters(t *testing.T) {
	ps := testPainters(t, 1)
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

// What idle sessions keep is bounded however many pictures there may be at once: no
// budget of the worker's counts it.
func TestIdlePainters(t *testing.T) {
	ps := testPainters(t, 4)
	// paint has pictures of so many pixels at once in work, and tells which sessions were used.
	paint := func(pixels ...int) []*painter {
		t.Helper()
		var at []*painter
		for _, n := range pixels {
			p, err := ps.take(n)
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, p)
		}
		for i, p := range at {
			ps.put(p, pixels[i])
		}
		return at
	}
	idle := func() (pixels int, sessions int) {
		all := ps.pool.Idle()
		for _, p := range all {
			pixels += p.largest
		}
		dropAll(all)
		return pixels, len(all)
	}

	first := paint(1000)[0]
	for range 4 {
		if p := paint(1000)[0]; p != first {
			t.Error("pictures one after another were painted by several sessions")
		}
	}
	if pixels, sessions := idle(); sessions != 1 || pixels != 1000 {
		t.Errorf("after them, got %d sessions with %d pixels, want one with 1000", sessions, pixels)
	}
	paint(keepPixels/2, keepPixels/2, keepPixels/2, keepPixels)
	if pixels, sessions := idle(); pixels > keepPixels || sessions != 2 {
		t.Errorf("after four at once, got %d sessions with %d pixels, want two with %d", sessions, pixels, keepPixels)
	}
	paint(1000, 1000, 1000)
	paint(2000)
	if pixels, sessions := idle(); sessions != 1 || pixels != 2000 {
		t.Errorf("after a larger picture, got %d sessions with %d pixels, want its own", sessions, pixels)
	}
}

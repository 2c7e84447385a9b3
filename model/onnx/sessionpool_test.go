package onnx

import (
	"os"
	"testing"
)

// testPool returns a pool of n sessions of a test model.
func testPool(t *testing.T, n int) sessionPool {
	t.Helper()
	if err := openLibrary(DefaultLibrary()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../testdata/full/transform.onnx")
	if err != nil {
		t.Fatal(err)
	}
	ps := newSessionPool(file, 1, n)
	t.Cleanup(ps.close)
	return ps
}

// A session is reused for pictures that fit into its arena, and only for those.
func TestSessionIsReusedForPicturesThatFit(t *testing.T) {
	ps := testPool(t, 1)
	var last *pooledSession
	for _, step := range []struct {
		pixels int
		same   bool // as for the picture before
	}{
		{100, false}, {100, true}, {40, true}, {100, true},
		{101, false}, {60, true},
		{maxIdlePixels, false}, {maxIdlePixels + 1, false}, {40, false}, {30, true},
	} {
		p, err := ps.acquire(step.pixels)
		if err != nil {
			t.Fatal(err)
		}
		if same := p == last; same != step.same {
			t.Errorf("for %d pixels: got the last session: %t, want %t", step.pixels, same, step.same)
		}
		ps.release(p, step.pixels)
		last = p
	}
}

// The memory of idle sessions is bounded however many pictures are painted at once, because no
// memory budget of the worker includes it.
func TestIdleSessionsAreBounded(t *testing.T) {
	ps := testPool(t, 4)
	// paint acquires sessions for pictures of these sizes at once, releases them and returns them.
	paint := func(pixels ...int) []*pooledSession {
		t.Helper()
		var at []*pooledSession
		for _, n := range pixels {
			p, err := ps.acquire(n)
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, p)
		}
		for i, p := range at {
			ps.release(p, pixels[i])
		}
		return at
	}
	idle := func() (pixels int, sessions int) {
		all := ps.pool.Idle()
		for _, p := range all {
			pixels += p.largest
		}
		destroyAll(all)
		return pixels, len(all)
	}

	first := paint(1000)[0]
	for range 4 {
		if p := paint(1000)[0]; p != first {
			t.Error("consecutive pictures were painted by several sessions")
		}
	}
	if pixels, sessions := idle(); sessions != 1 || pixels != 1000 {
		t.Errorf("after them, got %d sessions with %d pixels, want one with 1000", sessions, pixels)
	}
	paint(maxIdlePixels/2, maxIdlePixels/2, maxIdlePixels/2, maxIdlePixels)
	if pixels, sessions := idle(); pixels > maxIdlePixels || sessions != 2 {
		t.Errorf("after four at once, got %d sessions with %d pixels, want two with %d", sessions, pixels, maxIdlePixels)
	}
	paint(1000, 1000, 1000)
	paint(2000)
	if pixels, sessions := idle(); sessions != 1 || pixels != 2000 {
		t.Errorf("after a larger picture, got %d sessions with %d pixels, want its own", sessions, pixels)
	}
}

package datasync_test

import (
	"errors"
	"path"
	"slices"
	"time"
)

// testUpdateRetried: while updates fail copies continue, and a later update gets all their folders.
func testUpdateRetried(r *rig) {
	r.copyAll()
	r.advance(time.Minute)
	unavailable := errors.New("S3 is unavailable")
	r.fail.Store(&unavailable)
	var names []string
	for range 2 {
		names = append(names, r.paint()...)
		for range 2 {
			if err := r.copier.Step(r.Context()); err != nil && !errors.Is(err, unavailable) {
				r.Error(err)
			}
			r.waitIdle()
		}
	}
	if !r.has(names...) {
		r.Error("a failing update prevents copies")
	}
	r.fail.Store(nil)
	r.step()
	c, updates := r.change.Load(), r.updates.Load()
	for _, name := range names {
		if c.All || !slices.Contains(c.Folders, path.Dir(name)) {
			r.Errorf("the later update got %+v, without %s", c, name)
		}
	}
	r.step()
	if n := r.updates.Load(); n != updates {
		r.Errorf("%d further updates", n-updates)
	}
}

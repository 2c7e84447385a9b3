package datasync_test

import (
	"errors"
	"path"
	"slices"
	"time"
)

// testShownLater: while updates fail, copies go on, and what they have brought is shown once one does not.
func testShownLater(r *rig) {
	r.copied()
	r.later(time.Minute)
	away := errors.New("S3 is away")
	r.fail.Store(&away)
	var names []string
	for range 2 {
		names = append(names, r.paint()...)
		for range 2 {
			if err := r.copier.Step(r.Context()); err != nil && !errors.Is(err, away) {
				r.Error(err)
			}
			r.settle()
		}
	}
	if !r.has(names...) {
		r.Error("an update that fails keeps pictures from being copied")
	}
	r.fail.Store(nil)
	r.step()
	c, updates := r.change.Load(), r.updates.Load()
	for _, name := range names {
		if c.All || !slices.Contains(c.Folders, path.Dir(name)) {
			r.Errorf("shown later are %+v, without %s", c, name)
		}
	}
	r.step()
	if n := r.updates.Load(); n != updates {
		r.Errorf("%d further updates", n-updates)
	}
}

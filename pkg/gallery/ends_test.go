package gallery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/job"
)

// within has an update's time be over after so many requests.
func (h *hall) within(requests int64, update func(ctx context.Context) (int, error)) error {
	h.Helper()
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	var n atomic.Int64
	h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n.Add(1) > requests {
			cancel()
		}
		next.ServeHTTP(w, r)
	})
	defer h.between(nil)
	_, err := update(ctx)
	return err
}

// ends repeats an update of which each time a part is done.
func (h *hall) ends(requests int64, update func(ctx context.Context) (int, error)) {
	h.Helper()
	const most = 12
	for times := 1; ; times++ {
		err := h.within(requests, update)
		if err == nil {
			h.Logf("it is done after %d times", times)
			return
		}
		if times == most {
			h.Fatalf("after %d times it is not done: %v", most, err)
		}
	}
}

// testEndsInHour: an hour has more pages than are written in the time that an update has.
func testEndsInHour(h *hall) {
	h.gallery.SetMost(1)
	var ids []job.ID
	paint := func(minute int) {
		for second := range 60 {
			when := fmt.Sprintf("2026-11-23T12:%02d:%02dZ", minute, second)
			ids = append(ids, h.paintAs(idIn(h.T, at(when), job.Second), when, true))
		}
		h.copy()
	}
	shown := func() {
		h.Helper()
		want := slices.Clone(ids)
		slices.Reverse(want)
		h.is(want...)
	}
	paint(0)
	h.ends(80, func(ctx context.Context) (int, error) { // some 40 of which are listings, in tens of minutes and minutes
		return h.gallery.UpdateFolders(ctx, h.store, []string{"2026/11/23/12/00"})
	})
	shown()
	paint(1)
	h.ends(40, func(ctx context.Context) (int, error) {
		return h.gallery.UpdateFolders(ctx, h.store, []string{"2026/11/23/12/01"})
	})
	shown()
	paint(2)
	h.ends(80, func(ctx context.Context) (int, error) { return h.gallery.Update(ctx, h.store) })
	shown()
	if n := h.update(); n != 0 {
		h.Errorf("%d pages are written anew", n)
	}
}

// testEndsInHours: there are more hours than are looked at in the time that an update has.
func testEndsInHours(h *hall) {
	var ids []job.ID
	paint := func(day int) {
		for hour := range 12 {
			ids = append(ids, h.paint(fmt.Sprintf("2026-11-%dT%02d:00:00Z", day, hour), true))
		}
		h.copy()
	}
	shown := func() {
		h.Helper()
		want := slices.Clone(ids)
		slices.Reverse(want)
		h.is(want...)
	}
	paint(22)
	for range 12 { // each begins with all
		_ = h.within(30, func(ctx context.Context) (int, error) { return h.gallery.Update(ctx, h.store) })
	}
	shown()
	paint(23)
	if err := h.within(30, func(ctx context.Context) (int, error) { return h.gallery.Update(ctx, h.store) }); err == nil {
		h.Fatal("there was time for all: the test proves nothing")
	}
	h.ends(60, func(ctx context.Context) (int, error) { return h.gallery.UpdateFolders(ctx, h.store, nil) })
	shown()
}

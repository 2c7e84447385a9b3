package gallery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/job"
)

// interruptAfter cancels an update after a number of requests.
func (h *harness) interruptAfter(requests int64, update func(ctx context.Context) (int, error)) error {
	h.Helper()
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	var n atomic.Int64
	h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n.Add(1) > requests {
			cancel()
		}
		next.ServeHTTP(w, r)
	})
	defer h.intercept(nil)
	_, err := update(ctx)
	return err
}

// repeatUntilDone repeats an update that is interrupted each time after a number of requests.
func (h *harness) repeatUntilDone(requests int64, update func(ctx context.Context) (int, error)) {
	h.Helper()
	const most = 12
	for times := 1; ; times++ {
		err := h.interruptAfter(requests, update)
		if err == nil {
			h.Logf("done after %d updates", times)
			return
		}
		if times == most {
			h.Fatalf("not done after %d updates: %v", most, err)
		}
	}
}

// testInterruptedInHour: an hour has more pages than an update has time to write.
func testInterruptedInHour(h *harness) {
	h.gallery.SetMaxJobs(1)
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
		h.wantShown(want...)
	}
	paint(0)
	h.repeatUntilDone(80, func(ctx context.Context) (int, error) { // some 40 of them are listings of tens of minutes and minutes
		return h.gallery.UpdateFolders(ctx, h.store, []string{"2026/11/23/12/00"})
	})
	shown()
	paint(1)
	h.repeatUntilDone(40, func(ctx context.Context) (int, error) {
		return h.gallery.UpdateFolders(ctx, h.store, []string{"2026/11/23/12/01"})
	})
	shown()
	paint(2)
	h.repeatUntilDone(80, func(ctx context.Context) (int, error) { return h.gallery.Update(ctx, h.store) })
	shown()
	if n := h.update(); n != 0 {
		h.Errorf("%d pages were written although nothing has changed", n)
	}
}

// testInterruptedBetweenHours: there are more hours than an update has time for.
func testInterruptedBetweenHours(h *harness) {
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
		h.wantShown(want...)
	}
	paint(22)
	for range 12 { // each update marks all hours as due
		_ = h.interruptAfter(30, func(ctx context.Context) (int, error) { return h.gallery.Update(ctx, h.store) })
	}
	shown()
	paint(23)
	if err := h.interruptAfter(30, func(ctx context.Context) (int, error) { return h.gallery.Update(ctx, h.store) }); err == nil {
		h.Fatal("all hours were updated; the test needs more hours")
	}
	h.repeatUntilDone(60, func(ctx context.Context) (int, error) { return h.gallery.UpdateFolders(ctx, h.store, nil) })
	shown()
}

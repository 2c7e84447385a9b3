package gallery_test

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// testGrains: jobs of a time with many have pages by the minute and the second, so that none has more than some
// thousand, and what comes to one or goes from it changes no other.
func testGrains(h *hall) {
	paint := func(when string, g job.Grain) job.ID { return h.paintAs(idIn(h.T, at(when), g), when, true) }
	ids := []job.ID{
		paint("2026-11-23T13:00:00Z", job.Hour),
		paint("2026-11-23T12:00:04Z", job.Second),
		paint("2026-11-23T12:00:03Z", job.Second),
		paint("2026-11-23T12:00:02Z", job.Minute),
		paint("2026-11-23T12:00:01Z", job.Hour),
	}
	h.copy()
	h.update()
	got, keys := h.shown()
	want := []string{"gallery/index.json", "gallery/2026/11/23/13.json", "gallery/2026/11/23/12/00/04.json", "gallery/2026/11/23/12/00/03.json",
		"gallery/2026/11/23/12/00.json", "gallery/2026/11/23/12.json"}
	if !slices.Equal(got, ids) || !slices.Equal(keys, want) {
		h.Errorf("shown are %v by %v, want %v by %v", got, keys, ids, want)
	}
	if n := h.update(); n != 0 {
		h.Errorf("%d pages were written anew although nothing has changed", n)
	}

	more := paint("2026-11-23T12:00:03.5Z", job.Second)
	h.arrive(more)
	if n := h.updateHours("2026/11/23/12/00/03"); n != 1 {
		h.Errorf("%d pages were written for a job that came to one", n)
	}
	h.is(ids[0], ids[1], more, ids[2], ids[3], ids[4])

	h.erase(ids[1])
	h.is(ids[0], more, ids[2], ids[3], ids[4])
	h.updateHours("2026/11/23/12/00/04") // now its page is gone
	h.is(ids[0], more, ids[2], ids[3], ids[4])
	if _, _, there := h.get("gallery/2026/11/23/12/00/04.json"); there {
		h.Error("the page of no jobs is there")
	}
}

// testCutShort: an update that always has too little time comes to its end all the same.
func testCutShort(h *hall) {
	const pages = 120
	for i := range pages {
		when := at("2026-11-23T12:00:00Z").Add(time.Duration(i) * time.Second).Format(time.RFC3339Nano)
		h.paintAs(idIn(h.T, at(when), job.Second), when, true)
	}
	h.copy()
	for pass := 1; ; pass++ {
		ctx, cancel := context.WithCancel(h.Context())
		var requests atomic.Int64
		h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if requests.Add(1) > 75 {
				cancel()
			}
			next.ServeHTTP(w, r)
		})
		_, err := h.gallery.Update(ctx, h.store)
		cancel()
		h.between(nil)
		if err == nil {
			break
		}
		if pass == 6 {
			h.Fatalf("after %d updates of 75 requests: %v", pass, err)
		}
	}
	if ids, _ := h.shown(); len(ids) != pages {
		h.Errorf("shown are %d jobs of %d", len(ids), pages)
	}
}

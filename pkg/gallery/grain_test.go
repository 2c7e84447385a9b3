package gallery_test

import (
	"slices"

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

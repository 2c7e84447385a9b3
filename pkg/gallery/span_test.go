package gallery_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// testSpans: whatever folders the pictures of an hour are in, its pages are of times, in order, as long as none has too
// many jobs; and what comes to one or goes from it changes no other.
func testSpans(h *hall) {
	h.gallery.SetMost(3)
	paint := func(when string, g job.Grain) job.ID { return h.paintAs(idIn(h.T, at(when), g), when, true) }
	ids := []job.ID{
		paint("2026-11-23T13:00:00Z", job.Hour),
		paint("2026-11-23T12:35:00Z", job.Second),
		paint("2026-11-23T12:00:04Z", job.Second),
		paint("2026-11-23T12:00:03Z", job.Minute),
		paint("2026-11-23T12:00:02Z", job.Hour),
		paint("2026-11-23T12:00:01Z", job.Second),
	}
	h.copy()
	h.update()
	h.shows(ids, "13", "12/3", "12/00/04", "12/00/03", "12/00/02", "12/00/01")
	if n := h.update(); n != 0 {
		h.Errorf("%d pages were written anew although nothing has changed", n)
	}

	more := paint("2026-11-23T12:00:03.5Z", job.Second)
	h.arrive(more)
	if n := h.updateHours("2026/11/23/12/00/03"); n != 1 {
		h.Errorf("%d pages were written for a job that came to one", n)
	}
	ids = slices.Insert(ids, 3, more)
	h.shows(ids, "13", "12/3", "12/00/04", "12/00/03", "12/00/02", "12/00/01")

	h.erase(ids[2])
	ids = slices.Delete(ids, 2, 3)
	h.is(ids...)
	h.updateHours("2026/11/23/12/00/04") // now its page is gone
	h.shows(ids, "13", "12/3", "12/00/03", "12/00/02", "12/00/01")
	if _, _, there := h.get("gallery/2026/11/23/12/00/04.json"); there {
		h.Error("the page of no jobs is there")
	}

	for _, id := range ids[3:] {
		h.erase(id)
	}
	h.gallery.SetMost(12)
	h.update() // of few jobs the pages are joined
	h.shows(ids[:3], "13", "12")
	if left := h.keys("gallery/2026/"); len(left) != 4 { // two pages, and the ledgers
		h.Errorf("left are %q", left)
	}

	h.gallery.SetMost(1)
	late := paint("2026-11-23T12:59:59Z", job.Hour)
	h.arrive(late)
	h.updateHours("2026/11/23/12") // and divided again where there are more
	ids = slices.Insert(ids[:3], 1, late)
	h.shows(ids, "13", "12/5", "12/3", "12/0")
}

// testFewPages: a reader need not fetch a page for each job.
func testFewPages(h *hall) {
	const most, jobs = 20, 40
	h.gallery.SetMost(most)
	for i := range jobs {
		when := at("2026-11-23T12:00:00Z").Add(time.Duration(i) * 15 * time.Second)
		h.paintAs(idIn(h.T, when, job.Second), when.Format(time.RFC3339Nano), true)
	}
	h.copy()
	h.update()
	if ids, keys := h.shown(); len(ids) != jobs || len(keys) > 1+jobs*10/most {
		h.Errorf("%d jobs are shown by way of %q", len(ids), keys)
	}
}

// testPageFails: what is wrong with one page keeps no other from view.
func testPageFails(h *hall) {
	h.gallery.SetMost(1)
	a, b, c := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:30:00Z", true), h.paint("2026-11-23T12:50:00Z", true)
	h.copy()
	refuse := func() {
		h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/12/3") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
		defer h.between(nil)
		if _, err := h.gallery.UpdateFolders(h.Context(), h.store, []string{"2026/11/23/12"}); !errors.Is(err, bucket.ErrDenied) {
			h.Errorf("got %v, want ErrDenied", err)
		}
	}
	refuse()
	h.shows([]job.ID{c, a}, "12/5", "12/0")
	h.updateHours() // it was noted that the hour is due
	h.shows([]job.ID{c, b, a}, "12/5", "12/3", "12/0")

	d := h.paint("2026-11-23T12:30:01Z", true)
	h.arrive(d)
	refuse()
	h.is(c, a) // it is to be divided
	h.updateHours()
	h.shows([]job.ID{c, d, b, a}, "12/5", "12/30/01", "12/30/00", "12/0")
}

// shows checks what a reader comes to, and by which pages of a day.
func (h *hall) shows(ids []job.ID, pages ...string) {
	h.Helper()
	want := []string{"gallery/index.json"}
	for _, page := range pages {
		want = append(want, "gallery/2026/11/23/"+page+".json")
	}
	if got, keys := h.shown(); !slices.Equal(got, ids) || !slices.Equal(keys, want) {
		h.Errorf("shown are %v by %v, want %v by %v", got, keys, ids, want)
	}
}

// testErasedWhileDivided erases a job while its page is divided: at that time it is in two.
func testErasedWhileDivided(h *hall) {
	a, b := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:30:00Z", true)
	h.copy()
	h.update()
	h.gallery.SetMost(1)
	for _, after := range []string{"/12/0.json", "/12/31.json", "/12/pages.json"} {
		c := h.paint("2026-11-23T12:31:00Z", true)
		h.arrive(c)
		var once sync.Once
		h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(w, r)
			if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, after) {
				once.Do(func() { h.between(nil); h.erase(c) })
			}
		})
		h.updateHours("2026/11/23/12")
		h.between(nil)
		once.Do(func() { h.erase(c) })
		if left := h.mentions(c); len(left) > 0 {
			h.Errorf("erased after %s, left are %q", after, left)
		}
		h.is(b, a)
	}
	// Both pages are there, as if the update had been killed before it removed the first.
	part, _, there := h.get("gallery/2026/11/23/12/30.json")
	if !there {
		h.Fatal("the page of ten minutes is not divided")
	}
	if _, err := h.bucket.Put(h.Context(), "gallery/2026/11/23/12.json", bytes.NewReader(part), bucket.Put{ContentType: "application/json"}); err != nil {
		h.Fatal(err)
	}
	h.erase(b)
	if left := h.mentions(b); len(left) > 0 {
		h.Errorf("in two pages, and left are %q", left)
	}
	h.update()
	h.is(a)
	if left := h.keys("gallery/2026/"); !slices.Equal(left, []string{"gallery/2026/11/23/12/0.json", "gallery/2026/11/23/12/pages.json"}) {
		h.Errorf("left are %q", left)
	}
}

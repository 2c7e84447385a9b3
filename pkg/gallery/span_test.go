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

// testSpans: whatever the folders of pictures are, the pages of an hour are spans of time, in
// order, with a limited number of jobs each; and adding or removing a job changes only its page.
func testSpans(h *harness) {
	h.gallery.SetMaxJobs(3)
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
	h.wantPages(ids, "13", "12/3", "12/00/04", "12/00/03", "12/00/02", "12/00/01")
	if n := h.update(); n != 0 {
		h.Errorf("%d pages were written although nothing has changed", n)
	}

	more := paint("2026-11-23T12:00:03.5Z", job.Second)
	h.copyJob(more)
	if n := h.updateHours("2026/11/23/12/00/03"); n != 1 {
		h.Errorf("%d pages were written for a job on one page", n)
	}
	ids = slices.Insert(ids, 3, more)
	h.wantPages(ids, "13", "12/3", "12/00/04", "12/00/03", "12/00/02", "12/00/01")

	h.erase(ids[2])
	ids = slices.Delete(ids, 2, 3)
	h.wantShown(ids...)
	h.updateHours("2026/11/23/12/00/04") // now its page is deleted
	h.wantPages(ids, "13", "12/3", "12/00/03", "12/00/02", "12/00/01")
	if _, _, there := h.get("gallery/2026/11/23/12/00/04.json"); there {
		h.Error("a page without jobs still exists")
	}

	for _, id := range ids[3:] {
		h.erase(id)
	}
	h.gallery.SetMaxJobs(12)
	h.update() // the pages of few jobs are joined
	h.wantPages(ids[:3], "13", "12")
	if left := h.keys("gallery/2026/"); len(left) != 4 { // two pages and two ledgers
		h.Errorf("still in the bucket: %q", left)
	}

	h.gallery.SetMaxJobs(1)
	late := paint("2026-11-23T12:59:59Z", job.Hour)
	h.copyJob(late)
	h.updateHours("2026/11/23/12") // and divided again if there are more jobs
	ids = slices.Insert(ids[:3], 1, late)
	h.wantPages(ids, "13", "12/5", "12/3", "12/0")
}

// testFewPages: a reader does not have to fetch a page for each job.
func testFewPages(h *harness) {
	const most, jobs = 20, 40
	h.gallery.SetMaxJobs(most)
	for i := range jobs {
		when := at("2026-11-23T12:00:00Z").Add(time.Duration(i) * 15 * time.Second)
		h.paintAs(idIn(h.T, when, job.Second), when.Format(time.RFC3339Nano), true)
	}
	h.copy()
	h.update()
	if ids, keys := h.shown(); len(ids) != jobs || len(keys) > 1+jobs*10/most {
		h.Errorf("got %d jobs on the pages %q", len(ids), keys)
	}
}

// testPageFails: the failure of one page does not hide others.
func testPageFails(h *harness) {
	h.gallery.SetMaxJobs(1)
	a, b, c := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:30:00Z", true), h.paint("2026-11-23T12:50:00Z", true)
	h.copy()
	refuse := func() {
		h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/12/3") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
		defer h.intercept(nil)
		if _, err := h.gallery.UpdateFolders(h.Context(), h.store, []string{"2026/11/23/12"}); !errors.Is(err, bucket.ErrDenied) {
			h.Errorf("got %v, want ErrDenied", err)
		}
	}
	refuse()
	h.wantPages([]job.ID{c, a}, "12/5", "12/0")
	h.updateHours() // the hour was marked as due
	h.wantPages([]job.ID{c, b, a}, "12/5", "12/3", "12/0")

	d := h.paint("2026-11-23T12:30:01Z", true)
	h.copyJob(d)
	refuse()
	h.wantShown(c, a) // its page must be divided
	h.updateHours()
	h.wantPages([]job.ID{c, d, b, a}, "12/5", "12/30/01", "12/30/00", "12/0")
}

// wantPages checks which jobs a reader finds, and on which pages of a day.
func (h *harness) wantPages(ids []job.ID, pages ...string) {
	h.Helper()
	want := []string{"gallery/index.json"}
	for _, page := range pages {
		want = append(want, "gallery/2026/11/23/"+page+".json")
	}
	if got, keys := h.shown(); !slices.Equal(got, ids) || !slices.Equal(keys, want) {
		h.Errorf("got jobs %v on %v, want %v on %v", got, keys, ids, want)
	}
}

// testErasedWhileDivided erases a job while its page is divided, when it is on two pages.
func testErasedWhileDivided(h *harness) {
	a, b := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:30:00Z", true)
	h.copy()
	h.update()
	h.gallery.SetMaxJobs(1)
	for _, after := range []string{"/12/0.json", "/12/31.json", "/12/pages.json"} {
		c := h.paint("2026-11-23T12:31:00Z", true)
		h.copyJob(c)
		var once sync.Once
		h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(w, r)
			if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, after) {
				once.Do(func() { h.intercept(nil); h.erase(c) })
			}
		})
		h.updateHours("2026/11/23/12")
		h.intercept(nil)
		once.Do(func() { h.erase(c) })
		if left := h.keysMentioning(c); len(left) > 0 {
			h.Errorf("erased after %s, still in the bucket: %q", after, left)
		}
		h.wantShown(b, a)
	}
	// Both pages exist, as if the update had been killed before it deleted the first one.
	part, _, there := h.get("gallery/2026/11/23/12/30.json")
	if !there {
		h.Fatal("the page of ten minutes is not divided")
	}
	if _, err := h.bucket.Put(h.Context(), "gallery/2026/11/23/12.json", bytes.NewReader(part), bucket.Put{ContentType: "application/json"}); err != nil {
		h.Fatal(err)
	}
	h.erase(b)
	if left := h.keysMentioning(b); len(left) > 0 {
		h.Errorf("it was on two pages, still in the bucket: %q", left)
	}
	h.update()
	h.wantShown(a)
	if left := h.keys("gallery/2026/"); !slices.Equal(left, []string{"gallery/2026/11/23/12/0.json", "gallery/2026/11/23/12/pages.json"}) {
		h.Errorf("still in the bucket: %q", left)
	}
}

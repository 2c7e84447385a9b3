package gallery_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func (h *harness) updateHours(hours ...string) (changed int) {
	h.Helper()
	changed, err := h.gallery.UpdateFolders(h.Context(), h.store, hours)
	if err != nil {
		h.Fatal(err)
	}
	return changed
}

// requests returns the number of requests to S3 that f makes.
func (h *harness) requests(f func()) int64 {
	h.Helper()
	var n atomic.Int64
	h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		n.Add(1)
		next.ServeHTTP(w, r)
	})
	defer h.intercept(nil)
	f()
	return n.Load()
}

// testManyPictures: the requests of an update of one hour don't grow with the number of pictures.
func testManyPictures(h *harness) {
	const hours, jobs = 100, 50 // 10,000 objects
	newest := at("2026-11-23T16:00:00Z")
	var all sync.WaitGroup
	names := make(chan string)
	for range 16 {
		all.Go(func() {
			for name := range names {
				if _, err := h.bucket.Put(h.Context(), "pictures/"+name, bytes.NewReader([]byte("x")), bucket.Put{}); err != nil {
					h.Error(err)
				}
			}
		})
	}
	for i := range hours {
		for range jobs { // they may be another store's
			for _, name := range store.Published(idAt(h.T, newest.Add(-time.Duration(i+1)*time.Hour)), "png", true) {
				names <- name
			}
		}
	}
	close(names)
	all.Wait()
	h.update()
	a := h.paint("2026-11-23T16:00:00Z", true)
	h.copyJob(a)
	one := h.requests(func() { h.updateHours("2026/11/23/16") })
	if got := h.firstShown(); !slices.Equal(got, []job.ID{a}) {
		h.Errorf("the newest hour shows %v, want %v", got, a)
	}
	b := h.paint("2026-11-23T16:00:01Z", true)
	h.copyJob(b)
	again := h.requests(func() { h.updateHours("2026/11/23/16") })
	none := h.requests(func() { h.updateHours() })
	whole := h.requests(func() { h.update() })
	h.Logf("with 10,000 pictures: an update of one hour makes %d requests if the hour is new, otherwise %d, of no hour %d, of all hours %d", one, again, none, whole)
	if one > 12 || again > 7 || none > 1 || whole > 12 {
		h.Errorf("an update of one hour makes %d and %d requests, of no hour %d, of all hours %d", one, again, none, whole)
	}
	if got := h.firstShown(); !slices.Equal(got, []job.ID{b, a}) {
		h.Errorf("the newest hour shows %v, want %v and %v", got, b, a)
	}
}

// copyJob copies a job's pictures, without listing others.
func (h *harness) copyJob(id job.ID) {
	h.Helper()
	for _, name := range store.Published(id, "png", true) {
		if _, err := h.bucket.Put(h.Context(), "pictures/"+name, bytes.NewReader([]byte(id)), bucket.Put{}); err != nil {
			h.Fatal(err)
		}
	}
}

// firstShown returns the jobs of the newest hour.
func (h *harness) firstShown() (ids []job.ID) {
	h.Helper()
	first := h.readPage("gallery/index.json")
	for _, j := range h.readPage(*first.Next).Jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

func (h *harness) readPage(key string) (s page) {
	h.Helper()
	b, _, _ := h.get(key)
	if err := json.Unmarshal(b, &s); err != nil {
		h.Fatalf("%s: %v: %s", key, err, b)
	}
	return s
}

// testHours: after any sequence of new and erased jobs, updates of the copied hours have the same
// result as an update of all hours.
func testHours(h *harness) {
	random := rand.New(rand.NewPCG(1, 2))
	when := func() string {
		return at("2026-11-23T12:00:00Z").Add(time.Duration(random.IntN(6))*time.Hour + time.Duration(random.IntN(3_600_000))*time.Millisecond).Format(time.RFC3339Nano)
	}
	shown := map[job.ID]bool{}
	want := func() (ids []job.ID) {
		for id := range shown {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		slices.Reverse(ids)
		return ids
	}
	h.updateHours() // there is no chain yet
	for range 40 {
		var hours []string
		for range random.IntN(3) {
			id := h.paint(when(), true)
			h.copyJob(id)
			shown[id] = true
			if hour := id.Folder(); !slices.Contains(hours, hour) {
				hours = append(hours, hour)
			}
		}
		for id := range shown {
			if random.IntN(4) == 0 {
				h.erase(id)
				delete(shown, id)
			}
		}
		h.updateHours(hours...)
		h.wantShown(want()...)
		if changed := h.requests(func() { h.updateHours() }); changed > 2 {
			h.Errorf("an update after an update makes %d requests", changed)
		}
	}
	h.update() // the pages that erasures have emptied are deleted
	h.wantShown(want()...)
	if changed := h.update(); changed != 0 {
		h.Errorf("an update of all changes %d manifests", changed)
	}
}

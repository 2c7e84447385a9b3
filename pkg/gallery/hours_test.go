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

func (h *hall) updateHours(hours ...string) (changed int) {
	h.Helper()
	changed, err := h.gallery.UpdateFolders(h.Context(), h.store, hours)
	if err != nil {
		h.Fatal(err)
	}
	return changed
}

// requests counts the requests to S3 that f makes.
func (h *hall) requests(f func()) int64 {
	h.Helper()
	var n atomic.Int64
	h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		n.Add(1)
		next.ServeHTTP(w, r)
	})
	defer h.between(nil)
	f()
	return n.Load()
}

// The requests of an update of one hour don't grow with the number of pictures.
func testManyPictures(h *hall) {
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
		for range jobs { // of another store: what counts is that they are there
			for _, name := range store.Published(idAt(h.T, newest.Add(-time.Duration(i+1)*time.Hour)), "png", true) {
				names <- name
			}
		}
	}
	close(names)
	all.Wait()
	h.update()
	a := h.paint("2026-11-23T16:00:00Z", true)
	h.arrive(a)
	one := h.requests(func() { h.updateHours("2026/11/23/16") })
	if got := h.firstShown(); !slices.Equal(got, []job.ID{a}) {
		h.Errorf("the newest hour shows %v, want %v", got, a)
	}
	b := h.paint("2026-11-23T16:00:01Z", true)
	h.arrive(b)
	again := h.requests(func() { h.updateHours("2026/11/23/16") })
	none := h.requests(func() { h.updateHours() })
	whole := h.requests(func() { h.update() })
	h.Logf("of 10,000 pictures: an update of one hour makes %d requests if it is new, else %d, of none %d, of all of the store %d", one, again, none, whole)
	if one > 12 || again > 7 || none > 1 || whole > 12 {
		h.Errorf("an update of one hour makes %d and %d requests, of none %d, of all %d", one, again, none, whole)
	}
	if got := h.firstShown(); !slices.Equal(got, []job.ID{b, a}) {
		h.Errorf("the newest hour shows %v, want %v and %v", got, b, a)
	}
}

// arrive copies a job's pictures, without a look at all others.
func (h *hall) arrive(id job.ID) {
	h.Helper()
	for _, name := range store.Published(id, "png", true) {
		if _, err := h.bucket.Put(h.Context(), "pictures/"+name, bytes.NewReader([]byte(id)), bucket.Put{}); err != nil {
			h.Fatal(err)
		}
	}
}

// firstShown are the jobs of the newest hour.
func (h *hall) firstShown() (ids []job.ID) {
	h.Helper()
	first := h.sheet("gallery/index.json")
	for _, j := range h.sheet(*first.Next).Jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

func (h *hall) sheet(key string) (s sheet) {
	h.Helper()
	b, _, _ := h.get(key)
	if err := json.Unmarshal(b, &s); err != nil {
		h.Fatalf("%s: %v: %s", key, err, b)
	}
	return s
}

// Whatever is painted and erased, updates of the hours that were copied leave what an update of
// all would.
func testHours(h *hall) {
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
	h.updateHours() // there is no record yet
	for range 40 {
		var hours []string
		for range random.IntN(3) {
			id := h.paint(when(), true)
			h.arrive(id)
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
		h.is(want()...)
		if changed := h.requests(func() { h.updateHours() }); changed > 2 {
			h.Errorf("an update after an update makes %d requests", changed)
		}
	}
	h.update() // what erasures have emptied is gone
	h.is(want()...)
	if changed := h.update(); changed != 0 {
		h.Errorf("an update of all changes %d manifests", changed)
	}
}

package gallery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// testErasedMeanwhile erases a job at the two moments at which its manifest could
// be left with it: after the job was read and before the write, and right after.
func testErasedMeanwhile(h *hall) {
	stays := h.paint("2026-11-23T12:00:00Z", true)
	for round, before := range []bool{true, false, true, false} {
		when := "2026-11-23T12:00:01Z"
		if round >= 2 { // there is no manifest of that hour yet
			when = fmt.Sprintf("2026-11-23T1%d:00:01Z", 1+round)
		}
		id := h.paint(when, true)
		h.copy()
		var once sync.Once
		h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			strike := func() { once.Do(func() { h.between(nil); h.erase(id) }) }
			manifest := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/gallery/2026/")
			if manifest && before {
				strike()
			}
			next.ServeHTTP(w, r)
			if manifest && !before {
				strike()
			}
		})
		h.update()
		once.Do(func() { h.Errorf("round %d: no manifest was written", round) })
		h.is(stays)
		if left := h.mentions(id); len(left) > 0 {
			h.Errorf("round %d: left are %q", round, left)
		}
	}
}

// testExpired: the retention ends jobs by the hundred, of which each hour's manifest
// is written once, also when S3 has refused that at first.
func testExpired(h *hall) {
	stays := h.paint(time.Now().Add(30*time.Minute).UTC().Format(time.RFC3339Nano), true) // its hour is not over
	for year, refused := range map[int]bool{2024: false, 2025: true} {                    // an id is never made twice
		var ids []job.ID
		for _, hour := range []int{12, 13} {
			for i := range 4 {
				ids = append(ids, h.paint(fmt.Sprintf("%d-11-23T%d:00:1%dZ", year, hour, i), true))
			}
		}
		h.copy()
		h.update()
		expire := func() (int, error) {
			p, err := h.store.Expire(context.Background(), time.Now(), "")
			return p.Count, err
		}
		if refused {
			h.between(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) })
			if n, err := expire(); n != 0 || !errors.Is(err, bucket.ErrDenied) {
				h.Errorf("%d expired, %v", n, err)
			}
		}
		var mu sync.Mutex // two hours are worked on at the same time
		written := map[string]int{}
		h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPut {
				mu.Lock()
				written[path.Base(r.URL.Path)]++
				mu.Unlock()
			}
			next.ServeHTTP(w, r)
		})
		if n, err := expire(); n != len(ids) || err != nil {
			h.Errorf("%d expired, %v", n, err)
		}
		h.between(nil)
		if want := map[string]int{"12.json": 1, "13.json": 1}; !maps.Equal(written, want) {
			h.Errorf("written were %v, want %v", written, want)
		}
		for _, id := range ids {
			if left := h.mentions(id); len(left) > 0 {
				h.Errorf("left are %q", left)
			}
		}
		h.is(stays)
	}
}

// testErasedInCompany erases many jobs of a page at the same time, by two processes, while it is updated.
func testErasedInCompany(h *hall) {
	stays := h.paint("2026-11-23T12:00:00Z", true)
	var ids []job.ID
	for i := range 40 {
		ids = append(ids, h.paint(fmt.Sprintf("2026-11-23T12:00:%dZ", 10+i), true))
	}
	h.copy()
	h.update()
	var all sync.WaitGroup
	other := gallery.New(h.bucket)
	for _, id := range ids {
		all.Go(func() {
			h.erase(id)
			if err := other.Unpublish(store.Published(id, "png", true)); err != nil {
				h.Error(err)
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for range 4 {
				if _, err := h.gallery.Update(h.Context(), h.store); err != nil {
					h.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if left := h.mentions(id); len(left) > 0 {
			h.Errorf("left are %q", left)
		}
	}
	h.update()
	h.is(stays)
}

// testLateCopy: a copy had opened the pictures before the job was erased.
func testLateCopy(h *hall) {
	stays, id := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:00:01Z", true)
	h.copy()
	h.update()
	h.erase(id)
	for _, name := range store.Published(id, "png", true) {
		if _, err := h.bucket.Put(h.Context(), "pictures/"+name, bytes.NewReader([]byte("late")), bucket.Put{}); err != nil {
			h.Fatal(err)
		}
	}
	h.is(stays)
	h.update()
	h.is(stays)
	if left := h.mentions(id); len(left) > 0 {
		h.Errorf("left are %q", left)
	}
}

// testErasedFromWhatIsSpoiled: a manifest that nobody can read names nobody; one of
// which a part alone has come may name anybody.
func testErasedFromWhatIsSpoiled(h *hall) {
	stays, a, b := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:00:01Z", true), h.paint("2026-11-23T12:00:02Z", true)
	h.copy()
	h.update()
	h.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		maps.Copy(w.Header(), whole.Header())
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		panic(http.ErrAbortHandler)
	})
	if err := h.store.Erase(a, store.Erased); !errors.Is(err, job.ErrStoreAway) {
		h.Errorf("with half a manifest: got %v, want ErrStoreAway", err)
	}
	h.between(nil)
	if err := h.store.EndErasures(context.Background()); err != nil {
		h.Error(err)
	}
	h.is(b, stays)
	if _, err := h.bucket.Put(h.Context(), "gallery/2026/11/23/12.json", bytes.NewReader([]byte("{")), bucket.Put{}); err != nil {
		h.Fatal(err)
	}
	h.erase(b)
	if left := h.mentions(b); len(left) > 0 {
		h.Errorf("left are %q", left)
	}
	h.update()
	h.is(stays)
}

func testBucketAway(h *hall) {
	id := h.paint("2026-11-23T12:00:00Z", true)
	h.copy()
	h.update()
	h.between(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if err := h.store.Erase(id, store.Erased); !errors.Is(err, job.ErrStoreAway) {
		h.Errorf("got %v, want ErrStoreAway", err)
	}
	if _, err := h.store.Job(id); !errors.Is(err, job.ErrGone) {
		h.Errorf("for its readers it is %v", err)
	}
	h.between(nil)
	h.is(id)
	if err := h.store.EndErasures(context.Background()); err != nil {
		h.Fatal(err)
	}
	h.is()
	if left := h.mentions(id); len(left) > 0 {
		h.Errorf("left are %q", left)
	}
}

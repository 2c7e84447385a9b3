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

// testErasedMeanwhile erases a job at the two moments at which its manifest could keep it: after
// the job was read and before the write, and right after the write.
func testErasedMeanwhile(h *harness) {
	stays := h.paint("2026-11-23T12:00:00Z", true)
	for round, before := range []bool{true, false, true, false} {
		when := "2026-11-23T12:00:01Z"
		if round >= 2 { // that hour has no manifest yet
			when = fmt.Sprintf("2026-11-23T1%d:00:01Z", 1+round)
		}
		id := h.paint(when, true)
		h.copy()
		var once sync.Once
		h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			erase := func() { once.Do(func() { h.intercept(nil); h.erase(id) }) }
			manifest := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/gallery/2026/")
			if manifest && before {
				erase()
			}
			next.ServeHTTP(w, r)
			if manifest && !before {
				erase()
			}
		})
		h.update()
		once.Do(func() { h.Errorf("round %d: no manifest was written", round) })
		h.wantShown(stays)
		if left := h.keysMentioning(id); len(left) > 0 {
			h.Errorf("round %d: still in the bucket: %q", round, left)
		}
	}
}

// testExpired: the retention removes many jobs at once, and each hour's manifest is written once,
// also after S3 has refused that at first.
func testExpired(h *harness) {
	stays := h.paint(time.Now().Add(30*time.Minute).UTC().Format(time.RFC3339Nano), true) // its hour is not over
	for year, refused := range map[int]bool{2024: false, 2025: true} {                    // ids must not be used twice
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
			h.intercept(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) })
			if n, err := expire(); n != 0 || !errors.Is(err, bucket.ErrDenied) {
				h.Errorf("%d expired, %v", n, err)
			}
		}
		var mu sync.Mutex // two hours are processed at the same time
		written := map[string]int{}
		h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
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
		h.intercept(nil)
		if want := map[string]int{"12.json": 1, "13.json": 1}; !maps.Equal(written, want) {
			h.Errorf("got writes %v, want %v", written, want)
		}
		for _, id := range ids {
			if left := h.keysMentioning(id); len(left) > 0 {
				h.Errorf("still in the bucket: %q", left)
			}
		}
		h.wantShown(stays)
	}
}

// testManyErasedConcurrently erases many jobs of a page at the same time, from two processes, while
// the page is updated.
func testManyErasedConcurrently(h *harness) {
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
		if left := h.keysMentioning(id); len(left) > 0 {
			h.Errorf("still in the bucket: %q", left)
		}
	}
	h.update()
	h.wantShown(stays)
}

// testLateCopy: a copy had opened the pictures before the job was erased.
func testLateCopy(h *harness) {
	stays, id := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:00:01Z", true)
	h.copy()
	h.update()
	h.erase(id)
	for _, name := range store.Published(id, "png", true) {
		if _, err := h.bucket.Put(h.Context(), "pictures/"+name, bytes.NewReader([]byte("late")), bucket.Put{}); err != nil {
			h.Fatal(err)
		}
	}
	h.wantShown(stays)
	h.update()
	h.wantShown(stays)
	if left := h.keysMentioning(id); len(left) > 0 {
		h.Errorf("still in the bucket: %q", left)
	}
}

// testErasedFromUnreadableManifest: a manifest that can't be parsed shows no job; one that was
// received only in part may show any job.
func testErasedFromUnreadableManifest(h *harness) {
	stays, a, b := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:00:01Z", true), h.paint("2026-11-23T12:00:02Z", true)
	h.copy()
	h.update()
	h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
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
	if err := h.store.Erase(a, store.Erased); !errors.Is(err, job.ErrStoreUnavailable) {
		h.Errorf("with a part of a manifest: got %v, want ErrStoreUnavailable", err)
	}
	h.intercept(nil)
	if _, err := h.store.EndErasures(context.Background(), ""); err != nil {
		h.Error(err)
	}
	h.wantShown(b, stays)
	if _, err := h.bucket.Put(h.Context(), "gallery/2026/11/23/12.json", bytes.NewReader([]byte("{")), bucket.Put{}); err != nil {
		h.Fatal(err)
	}
	h.erase(b)
	if left := h.keysMentioning(b); len(left) > 0 {
		h.Errorf("still in the bucket: %q", left)
	}
	h.update()
	h.wantShown(stays)
}

func testBucketUnavailable(h *harness) {
	id := h.paint("2026-11-23T12:00:00Z", true)
	h.copy()
	h.update()
	h.intercept(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if err := h.store.Erase(id, store.Erased); !errors.Is(err, job.ErrStoreUnavailable) {
		h.Errorf("got %v, want ErrStoreUnavailable", err)
	}
	if _, err := h.store.Job(id); !errors.Is(err, job.ErrGone) {
		h.Errorf("got %v, want ErrGone", err)
	}
	h.intercept(nil)
	h.wantShown(id)
	if _, err := h.store.EndErasures(context.Background(), ""); err != nil {
		h.Fatal(err)
	}
	h.wantShown()
	if left := h.keysMentioning(id); len(left) > 0 {
		h.Errorf("still in the bucket: %q", left)
	}
}

package gallery_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func testEmpty(h *harness) {
	h.copy()
	h.update()
	h.wantShown()
}

func testChain(h *harness) {
	var ids []job.ID
	for _, when := range []string{
		"2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:59:59.999Z", "2026-02-03T04:05:06.007Z",
		"2026-11-23T16:00:00.000Z", "2026-11-23T16:00:00.001Z",
	} {
		ids = append([]job.ID{h.paint(when, true)}, ids...)
	}
	h.copy()
	h.update()
	h.wantShown(ids...)
	_, keys := h.shown()
	if want := []string{
		"gallery/index.json", "gallery/2026/11/23/16.json", "gallery/2026/02/03/04.json", "gallery/2026/01/01/00.json", "gallery/2025/12/31/23.json",
	}; !slices.Equal(keys, want) {
		h.Errorf("got pages %q, want %q", keys, want)
	}
}

func testHidden(h *harness) {
	public := h.paint("2026-11-23T16:00:00Z", true)
	private := h.paint("2026-11-23T16:00:01Z", false)
	h.copy()
	h.paint("2026-11-23T16:00:02Z", true) // not copied yet
	half := h.paint("2026-11-23T17:00:00Z", true)
	put := func(key, content string) {
		h.Helper()
		if _, err := h.bucket.Put(h.Context(), key, bytes.NewReader([]byte(content)), bucket.Put{}); err != nil {
			h.Fatal(err)
		}
	}
	put("pictures/"+store.Published(half, "png", true)[1], "a thumbnail without result")
	for _, name := range store.Published(private, "png", true) { // no program does this
		put("pictures/"+name, "not to be shown")
	}
	stranger := idAt(h.T, at("2026-11-23T18:00:00Z"))
	for _, name := range store.Published(stranger, "png", true) {
		put("pictures/"+name, "of another store")
	}
	for _, key := range []string{
		"pictures/thumbs/2026/", "pictures/thumbs/2026/11/23/16/", "pictures/thumbs/x.jpeg", "pictures/thumbs/2026/11/23/16/x.jpeg",
		"pictures/thumbs/2026/11/23/15/" + string(public) + ".jpeg", "pictures/public/2026/11/23/15/" + string(public) + ".png",
	} {
		put(key, "")
	}
	h.update()
	h.wantShown(public)
}

func testIncremental(h *harness) {
	changes := func(want int, why string) {
		h.Helper()
		h.copy()
		if got := h.update(); got != want {
			h.Errorf("%s: %d manifests changed, want %d", why, got, want)
		}
	}
	changes(1, "the index")
	a := h.paint("2026-11-23T12:00:00Z", true)
	changes(2, "the first hour, and the index")
	changes(0, "nothing")
	b := h.paint("2026-11-23T12:30:00Z", true)
	changes(1, "one more in that hour")
	c := h.paint("2026-11-23T14:00:00Z", true)
	changes(2, "a newer hour, and the index")
	d := h.paint("2026-11-23T13:00:00Z", true)
	changes(2, "an hour between, and the newer one, which links to it")
	h.paint("2026-11-23T14:30:00Z", false)
	changes(0, "a private job")
	h.wantShown(c, d, b, a)
}

func testDamaged(h *harness) {
	a, b := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T14:00:00Z", true)
	h.copy()
	h.update()
	for _, spoil := range []func() error{
		func() error { return h.bucket.Delete(h.Context(), "gallery/2026/11/23/12.json") },
		func() error { return h.bucket.Delete(h.Context(), "gallery/index.json", "gallery/hours.json") },
		func() error {
			for _, key := range []string{"gallery/hours.json", "gallery/2026/11/23/14.json", "gallery/2026/11/23/13.json", "gallery/2026/11/23/12/3.json"} {
				if _, err := h.bucket.Put(h.Context(), key, bytes.NewReader([]byte("{")), bucket.Put{}); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		if err := spoil(); err != nil {
			h.Fatal(err)
		}
		h.update()
		h.wantShown(b, a)
	}
	for _, key := range []string{"gallery/2026/11/23/13.json", "gallery/2026/11/23/12/3.json"} {
		if _, _, ok := h.get(key); ok {
			h.Errorf("%s still exists, although nothing links to it", key)
		}
	}
}

func testErased(h *harness) {
	a, b := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T12:00:01Z", true)
	private := h.paint("2026-11-23T12:00:02Z", false)
	h.copy()
	h.update()
	h.wantShown(b, a)
	if got := h.keysMentioning(private); len(got) != 1 || !strings.HasPrefix(got[0], "pictures/private/2026/11/23/12/") {
		h.Errorf("a private job has the objects %q", got)
	}
	h.erase(b)
	h.erase(private)
	h.wantShown(a)
	for _, id := range []job.ID{b, private} {
		if left := h.keysMentioning(id); len(left) > 0 {
			h.Errorf("still in the bucket: %q", left)
		}
		h.erase(id) // erasing it again is no error
	}
	h.copy()
	h.update()
	h.wantShown(a)
	if err := h.gallery.Unpublish(store.Published(b, "png", true)); err != nil {
		h.Errorf("unpublish again: %v", err)
	}
}

func testEmptied(h *harness) {
	a, b, c := h.paint("2026-11-23T12:00:00Z", true), h.paint("2026-11-23T13:00:00Z", true), h.paint("2026-11-23T14:00:00Z", true)
	h.copy()
	h.update()
	h.erase(b)
	h.wantShown(c, a)
	h.update()
	h.wantShown(c, a)
	if _, keys := h.shown(); len(keys) != 3 {
		h.Errorf("got pages %q", keys)
	}
	h.erase(c)
	h.erase(a)
	h.update()
	h.wantShown()
	if left := h.keys("gallery/"); !slices.Equal(left, []string{"gallery/hours.json", "gallery/index.json"}) {
		h.Errorf("still in the bucket: %q", left)
	}
}

func (h *harness) keys(prefix string) (keys []string) {
	h.Helper()
	for o, err := range h.bucket.List(h.Context(), prefix) {
		if err != nil {
			h.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

func testStoreUnavailable(h *harness) {
	id := h.paint("2026-11-23T12:00:00Z", true)
	h.copy()
	h.update()
	dir := h.store.Dir()
	if err := os.Rename(dir, dir+".moved"); err != nil {
		h.Fatal(err)
	}
	if err := h.bucket.Delete(h.Context(), "gallery/2026/11/23/12/pages.json"); err != nil { // so that it updates all pages
		h.Fatal(err)
	}
	if _, err := h.gallery.Update(h.Context(), h.store); err == nil {
		h.Error("the update returned no error")
	}
	h.wantShown(id)
	if err := os.Rename(dir+".moved", dir); err != nil {
		h.Fatal(err)
	}
	h.update()
	h.wantShown(id)
}

// testHourFails: the failure of one hour does not hide others.
func testHourFails(h *harness) {
	a := h.paint("2026-11-23T12:00:00Z", true)
	h.copy()
	h.update()
	b, c := h.paint("2026-11-23T13:00:00Z", true), h.paint("2026-11-23T14:00:00Z", true)
	h.copy()
	h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/13.json") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
	if _, err := h.gallery.Update(h.Context(), h.store); !errors.Is(err, bucket.ErrDenied) {
		h.Errorf("got %v, want ErrDenied", err)
	}
	h.wantShown(c, a)
	h.intercept(nil)
	h.update()
	h.wantShown(c, b, a)
}

func testSite(h *harness) {
	page := fstest.MapFS{
		"index.html": {Data: []byte("<!doctype html>")}, "gallery.js": {Data: []byte("x")}, "style.css": {Data: []byte("y")}, "favicon.svg": {Data: []byte("z")},
	}
	var order []string
	h.intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		order = append(order, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		next.ServeHTTP(w, r)
	})
	if err := h.gallery.PutPage(h.Context(), page); err != nil {
		h.Fatal(err)
	}
	if len(order) != 4 || order[3] != "index.html" {
		h.Errorf("got order %q", order)
	}
	if b, o, _ := h.get("index.html"); string(b) != "<!doctype html>" || o.ContentType != "text/html; charset=utf-8" || o.CacheControl != "no-cache" {
		h.Errorf("stored as %+v", o)
	}
	if err := h.gallery.PutPage(h.Context(), fstest.MapFS{"a.js": {}}); err == nil {
		h.Error("a page without index.html was stored")
	}
	if err := h.gallery.PutPage(h.Context(), fstest.MapFS{"a.exe": {}, "index.html": {}}); err == nil || !strings.Contains(err.Error(), "a.exe") {
		h.Errorf("a file of unknown type: %v", err)
	}
}

// testTampered: a process that can write into the shared directory, such as a compromised worker,
// can't make the gallery show anything but pictures, nor hide other jobs.
func testTampered(h *harness) {
	sound := h.paint("2026-11-23T16:00:00Z", true)
	page := h.paint("2026-11-23T16:00:01Z", true)
	damaged := h.paint("2026-11-23T16:00:02Z", true)
	interceptor := h.paint("2026-11-23T16:00:03Z", true)
	h.copy()
	rewrite := func(id job.ID, old, new string) {
		h.Helper()
		for _, name := range []string{"status.json", "final.1"} {
			path := filepath.Join(h.store.Dir(), "jobs", id.Folder(), string(id), name)
			b, err := os.ReadFile(path)
			if err == nil && !bytes.Contains(b, []byte(old)) {
				h.Fatalf("%s: %s", name, b)
			}
			if err == nil {
				err = os.Remove(path) // the file may have several links
			}
			if err == nil {
				err = os.WriteFile(path, bytes.ReplaceAll(b, []byte(old), []byte(new)), 0o600)
			}
			if err != nil {
				h.Fatal(err)
			}
		}
	}
	rewrite(page, `"image/png"`, `"text/html"`)
	rewrite(damaged, `"succeeded"`, `"<script>"`)
	for _, ext := range []string{"html", "zzz"} {
		key := "pictures/public/2026/11/23/16/" + string(interceptor) + "." + ext
		if _, err := h.bucket.Put(h.Context(), key, strings.NewReader("<script>"), bucket.Put{ContentType: "text/html"}); err != nil {
			h.Fatal(err)
		}
	}
	h.update()
	h.wantShown(interceptor, page, sound)
	if b, _, _ := h.get("gallery/2026/11/23/16.json"); bytes.Contains(b, []byte("html")) || bytes.Contains(b, []byte("script")) {
		h.Errorf("the manifest contains %s", b)
	}
}

package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// The gallery's origin serves no page and no script from the shared directory, or from the pictures
// in the bucket, to which workers can write.
func TestSiteServesOnlyPictures(t *testing.T) {
	locked := ministacktest.StartLocked(t)
	m, err := newMirror(t.Context(), locked, t.TempDir(), t.TempDir(), t.Logf)
	if err == nil {
		defer m.stop()
		err = m.prepare(t.Context(), locked, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	id := m.paint(t)
	sound := store.Published(id, "jpeg", true)[0]
	evil := []string{"public/x/evil.html", "public/x/evil.js", "thumbs/evil.js", strings.TrimSuffix(sound, "jpeg") + "html", strings.TrimSuffix(sound, "jpeg") + "svg"}
	for _, name := range evil {
		path := filepath.Join(m.store.PublishedDir(), name)
		err := os.MkdirAll(filepath.Dir(path), 0o750)
		if err = errors.Join(err, os.WriteFile(path, []byte("<script src=evil.js></script>"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := startSite(t.Context(), locked, 0, m.log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	get := func(key string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/"+key, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // only the headers matter
		_ = resp.Body.Close()
		return resp
	}
	refused := func(when string) {
		t.Helper()
		for _, name := range evil {
			if resp := get("pictures/" + name); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s: %s, %v", when, name, resp.Status, resp.Header)
			}
		}
	}
	refused("in the directory")

	// The same in the bucket, and a page under a picture's name.
	cfg, err := locked.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := bucket.New(cfg, bucketName)
	put := func(key string) {
		t.Helper()
		if _, err := b.Put(t.Context(), key, bytes.NewReader([]byte("<script src=evil.js></script>")), bucket.Put{ContentType: "text/html"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range evil {
		put("pictures/" + name)
	}
	refused("in the bucket")
	put("evil.html")
	put("gallery/evil.html")
	for _, key := range []string{"evil.html", "gallery/evil.html", "gallery/hours.json"} {
		if resp := get(key); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", key, resp.Status)
		}
	}
	put("pictures/" + sound)
	resp := get("pictures/" + sound)
	h := resp.Header
	if resp.StatusCode != http.StatusOK || h.Get("Content-Type") != "image/jpeg" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a page named as a picture: %s, %v", resp.Status, h)
	}

	for _, key := range []string{"", "index.html", "gallery.js", "gallery.css", "favicon.svg", "gallery/index.json", "gallery/" + id.Folder() + ".json"} {
		if resp := get(key); resp.StatusCode != http.StatusOK || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("/%s: %s, %v", key, resp.Status, resp.Header)
		}
	}
}

package api_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
)

// A staticSite is the gallery as files of a plain web server.
type staticSite struct {
	t       *testing.T
	dir     string
	url     string
	changed time.Time // of the file that was put last
}

func newStaticSite(t *testing.T) *staticSite {
	t.Helper()
	s := &staticSite{t: t, dir: t.TempDir(), changed: time.Now().Add(-24 * time.Hour)}
	if err := os.CopyFS(s.dir, api.GallerySite()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/bucket", http.FileServer(http.Dir(s.dir))))
	t.Cleanup(server.Close)
	s.url = server.URL + "/bucket/"
	return s
}

func (s *staticSite) put(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err == nil {
		s.changed = s.changed.Add(time.Second) // a file server distinguishes versions by seconds
		err = os.Chtimes(path, s.changed, s.changed)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// pictures adds pictures of jobs.
func (s *staticSite) pictures(ids ...job.ID) {
	s.t.Helper()
	for _, id := range ids {
		for _, folder := range []string{"pictures/", "thumbs/"} {
			s.put(folder+string(id)+".jpg", string(gradient(s.t, 96, 64, 0)))
		}
	}
}

func testGallerySite(t *testing.T, b *browser) {
	s := newStaticSite(t)
	s.pictures("id-9", "id-8", "id-7", "id-6")
	s.put("gallery/index.json", manifest(`"next":"gallery/2026/11/23/17.json"`, "id-9", "id-8"))
	s.put("gallery/2026/11/23/17.json", manifest(`"next":"gallery/2026/11/23/16.json"`, "id-9", "id-8", "id-7"))
	s.put("gallery/2026/11/23/16.json", manifest(`"next":null`, "id-7", "id-6"))
	p := b.open(t, s.url)
	p.untilShown("id-9", "id-8", "id-7", "id-6")
	p.untilGallery(`[...document.querySelectorAll('#grid img')].every((i) => i.naturalWidth === 96 && i.src.includes('/bucket/thumbs/'))`)
	if p.Is(`[...document.querySelectorAll('.home')].some((e) => e.checkVisibility())`) {
		t.Error("there is a link to where pictures are painted, and there is no such page")
	}
	if got := p.Str(`document.querySelector('meta[http-equiv]').content`); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("the policy: %q", got)
	}
	p.Do(chromedp.Click(chromedp.CSS(`#grid [href="#id-7"]`)))
	p.untilGallery(`document.querySelector('#lightbox').open && document.querySelector('#full').src.endsWith('/bucket/pictures/id-7.jpg') && document.querySelector('#full').naturalWidth === 96`)
	p.Do(chromedp.Click(chromedp.CSS("#close")))

	// The index has no jobs of its own any more, and the hour has a new one.
	s.pictures("id-99")
	s.put("gallery/2026/11/23/17.json", manifest(`"next":"gallery/2026/11/23/16.json"`, "id-99", "id-9", "id-7"))
	s.put("gallery/index.json", manifest(`"next":"gallery/2026/11/23/17.json"`))
	p.poll()
	p.untilShown("id-99", "id-9", "id-7", "id-6")
}

// An hour's manifest is removed with its last job, and the manifest that refers to it changes.
func testGallerySiteEmptied(t *testing.T, b *browser) {
	s := newStaticSite(t)
	s.pictures("id-9", "id-7")
	s.put("gallery/index.json", manifest(`"next":"gallery/2026/11/23/17.json"`))
	s.put("gallery/2026/11/23/17.json", manifest(`"next":"gallery/2026/11/23/16.json"`, "id-9"))
	p := b.open(t, s.url)
	p.ExpectFailures() // of the page that is not there
	p.untilShown("id-9")
	p.untilGallery(`document.querySelector('#more').checkVisibility() && document.querySelector('#more').ariaBusy !== 'true'`)
	s.put("gallery/2026/11/23/17.json", manifest(`"next":"gallery/2026/11/23/15.json"`, "id-9"))
	s.put("gallery/2026/11/23/15.json", manifest(`"next":null`, "id-7"))
	p.Eval(`document.querySelector('#more').click()`) // which is hidden if the page has just looked by itself
	p.untilShown("id-9", "id-7")
	p.ExpectFailures()
}

func testGallerySiteEmpty(t *testing.T, b *browser) {
	s := newStaticSite(t)
	p := b.open(t, s.url)
	p.untilGallery(`document.body.dataset.state === 'empty'`)
	p.ExpectFailures() // there is no index.json
	if p.Is(`document.querySelector('#empty a').checkVisibility()`) {
		t.Error("there is a link to where pictures are painted, and there is no such page")
	}
}

// The site has exactly the files that its page refers to.
func TestGallerySite(t *testing.T) {
	site := api.GallerySite()
	names, err := fs.Glob(site, "*")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	page, err := fs.ReadFile(site, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`content="gallery/index.json"`, "gallery.js", "gallery.css", "favicon.svg"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("index.html does not name %s", want)
		}
	}
	if strings.Contains(string(page), "v1/") {
		t.Error("index.html names the API")
	}
}

package api_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/atelier-go/atelier/pkg/store"
)

func testGalleryNews(t *testing.T, b *browser) {
	site := newSite(t, "")
	old := site.paint(t, true)
	late := site.create(t, true)
	p := b.open(t, site.url+"gallery")
	p.ExpectFailures() // of what is erased before it was shown
	p.untilShown(old)
	newer := site.paint(t, true)
	lease, err := site.store.Claim(t.Context(), late, 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	succeed(t, lease)
	p.poll()
	p.untilShown(newer, late, old)
	if err := site.store.Erase(late, store.Erased); err != nil {
		t.Fatal(err)
	}
	p.poll()
	p.untilShown(newer, old)

	// Nobody looks while the page is in the background. What it asked for before has arrived
	// with the last of some further requests.
	p.Eval(`Object.defineProperty(document, 'hidden', {value: true, configurable: true})`)
	p.Eval(`for (let i = 0; i < 3; i++) await fetch('v1/gallery?limit=1')`)
	var asked atomic.Int32
	site.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/gallery" {
			asked.Add(1)
		}
		return false
	})
	p.poll()
	p.Eval(`delete document.hidden; await fetch('v1/styles')`)
	if n := asked.Load(); n != 0 {
		t.Errorf("in the background the list was asked for %d times", n)
	}

	// Who looks further down is not disturbed.
	p.Do(chromedp.EmulateViewport(360, 120))
	p.Eval(`scrollTo(0, document.body.scrollHeight)`)
	newest := site.paint(t, true)
	p.poll()
	p.untilGallery(`document.querySelector('#fresh').checkVisibility() && document.querySelector('#fresh').textContent === '1 new picture'`)
	p.untilShown(newer, old)
	p.Do(chromedp.Click(chromedp.CSS("#fresh")))
	p.untilShown(newest, newer, old)
	p.untilGallery(`scrollY === 0 && document.activeElement.hash === '#` + string(newest) + `' && document.querySelector('#fresh').hidden`)
}

// Erased pictures are removed; unreachable ones keep their place and are shown later.
func testGalleryMissing(t *testing.T, b *browser) {
	site := newSite(t, "")
	site.pages(t, map[string]string{"": manifest(`"next_cursor":null`, "id-9", "id-8", "id-7")})
	pages := *site.fault.Load()
	broken := http.StatusServiceUnavailable
	site.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.Contains(r.URL.Path, "id-9"):
			w.WriteHeader(http.StatusGone)
		case strings.Contains(r.URL.Path, "id-8"):
			w.WriteHeader(broken)
		case strings.Contains(r.URL.Path, "thumbs/id-7"): // painted before there were any
			w.WriteHeader(http.StatusNotFound)
		default:
			return pages(w, r)
		}
		return true
	})
	p := b.open(t, site.url+"gallery")
	p.ExpectFailures()
	p.untilShown("id-8", "id-7")
	p.untilGallery(`document.querySelector('#grid .missed') && document.querySelector('[href="#id-7"] img').naturalWidth === 96`)
	site.intercept(pages)
	p.poll()
	p.untilGallery(`!document.querySelector('#grid .missed') && document.querySelector('[href="#id-8"] img').naturalWidth === 96`)
	p.ExpectFailures()
}

func testGalleryAway(t *testing.T, b *browser) {
	site := newSite(t, "")
	id := site.paint(t, true)
	site.answer("/v1/gallery", http.StatusServiceUnavailable, `{}`)
	p := b.open(t, site.url+"gallery")
	p.ExpectFailures()
	p.untilGallery(`document.body.dataset.state === 'failed' && document.querySelector('#trouble').textContent === 'The server responded with an error (HTTP 503).'`)
	site.vanish()
	p.Do(chromedp.Click(chromedp.CSS("#retry")))
	p.untilGallery(`document.querySelector('#trouble').textContent === 'The server can’t be reached.'`)
	site.answer("/v1/gallery", http.StatusOK, `<html>`)
	p.Do(chromedp.Click(chromedp.CSS("#retry")))
	p.untilGallery(`document.querySelector('#trouble').textContent === 'The server’s response is not a list of pictures.'`)
	site.recover()
	p.Do(chromedp.Click(chromedp.CSS("#retry")))
	p.untilShown(id)
	p.untilGallery(`!document.querySelector('#notice').checkVisibility()`)

	p.Eval(`dispatchEvent(new Event('offline'))`)
	p.untilGallery(`document.querySelector('#trouble').textContent === 'You are offline.'`)
	next := site.paint(t, true)
	p.Eval(`dispatchEvent(new Event('online'))`)
	p.untilShown(next, id)
	p.untilGallery(`!document.querySelector('#notice').checkVisibility()`)
}

// The pictures stay, and the next page can be requested again.
func testGalleryAwayLater(t *testing.T, b *browser) {
	site := newSite(t, "")
	pages := map[string]string{"": manifest(`"next_cursor":"b"`, "id-9"), "b": `<html>`}
	site.pages(t, pages)
	p := b.open(t, site.url+"gallery")
	p.untilGallery(`document.querySelector('#notice').checkVisibility()`)
	p.untilShown("id-9")
	site.pages(t, map[string]string{"": pages[""], "b": manifest(`"next_cursor":null`, "id-8")})
	p.TabTo("#retry")
	p.Keys(kb.Enter)
	p.untilShown("id-9", "id-8")
	p.untilGallery(`!document.querySelector('#notice').checkVisibility()`)
}

package api_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/atelier-go/atelier/pkg/job"
)

func testGalleryLightbox(t *testing.T, b *browser) {
	site := newSite(t, "")
	ids := []job.ID{site.paint(t, true), site.paint(t, true), site.paint(t, true)}
	p := b.open(t, site.url+"gallery")
	p.untilShown(ids[2], ids[1], ids[0])
	shows := func(id job.ID) {
		t.Helper()
		p.untilGallery(`document.querySelector('#lightbox').open && location.hash === '#` + string(id) + `' && document.querySelector('#full').src.includes('` + string(id) + `') && document.querySelector('#full').naturalWidth === 96`)
	}
	closed := func(id job.ID) {
		t.Helper()
		p.untilGallery(`!document.querySelector('#lightbox').open && location.hash === '' && document.activeElement.hash === '#` + string(id) + `'`)
	}
	p.TabTo("#grid a")
	p.Keys(kb.Enter)
	shows(ids[2])
	if got := p.Str(`document.querySelector('#caption').textContent + ' | ' + document.querySelector('#facts').textContent`); !strings.HasPrefix(got, "Night swirls | ") || !strings.Contains(got, " · 96 × 64 · 1 kB") {
		t.Errorf("the text is %q", got)
	}
	if got := p.Str(`document.querySelector('#download').download + ' ' + document.querySelector('#download').href`); got != "atelier-"+string(ids[2])+".jpeg "+site.url+"v1/jobs/"+string(ids[2])+"/result?download=true" {
		t.Errorf("download: %s", got)
	}
	p.Keys(kb.ArrowLeft) // there is none
	p.Keys(kb.ArrowRight)
	shows(ids[1])
	p.Do(chromedp.Click(chromedp.CSS("#after")))
	shows(ids[0])
	if !p.Is(`document.querySelector('#after').ariaDisabled === 'true' && document.querySelector('#before').ariaDisabled === 'false'`) {
		t.Error("the buttons are not disabled at the end")
	}
	p.Keys(kb.Escape)
	closed(ids[0])
	p.Keys(kb.Enter)
	shows(ids[0])
	p.Eval(`history.back()`)
	closed(ids[0])
	p.Eval(`history.forward()`)
	shows(ids[0])
	p.Do(chromedp.Click(chromedp.CSS("#close")))
	closed(ids[0])
	// The pictures behind it can't be reached meanwhile.
	p.Keys(kb.Enter)
	shows(ids[0])
	for range 8 {
		p.Keys(kb.Tab)
		if p.Is(`document.activeElement.closest('main')`) {
			t.Fatal("the tab key leads behind the picture")
		}
	}
}

func testGalleryLink(t *testing.T, b *browser) {
	site := newSite(t, "")
	id := site.paint(t, true)
	site.paint(t, true)
	private := site.paint(t, false)
	p := b.open(t, site.url+"gallery#"+string(id))
	p.untilGallery(`document.querySelector('#lightbox').open && document.querySelector('#full').src.includes('` + string(id) + `')`)
	p.Keys(kb.Escape)
	p.untilGallery(`!document.querySelector('#lightbox').open && location.hash === '' && location.pathname.endsWith('/gallery')`)
	for _, hash := range []string{string(private), "nonsense", "%"} {
		p.Eval(`location.hash = '#` + hash + `'`)
		p.untilGallery(`location.hash === '' && !document.querySelector('#lightbox').open`)
	}
	newest := site.paint(t, true)
	p.Eval(`location.hash = '#` + string(newest) + `'`)
	p.untilGallery(`document.querySelector('#lightbox').open && document.querySelector('#full').src.includes('` + string(newest) + `')`)
	// Of a page that is far down.
	site.pages(t, map[string]string{"": manifest(`"next_cursor":"b"`, "id-9"), "b": manifest(`"next_cursor":"c"`, "id-8"), "c": manifest(`"next_cursor":null`, "id-7")})
	q := b.open(t, site.url+"gallery#id-7")
	q.untilGallery(`document.querySelector('#lightbox').open && document.querySelector('#full').src.includes('id-7')`)
	if got := q.Str(`document.querySelector('#caption').textContent`); got != "Night swirls 70% + Mosaic 30%, at 50%" {
		t.Errorf("a blend: %q", got)
	}
}

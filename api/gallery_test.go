package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/job"
)

// TestGallery runs the gallery in a real browser, against the real handler or, as a static site, a
// plain file server.
func TestGallery(t *testing.T) {
	b := &browser{browsertest.Start(t)}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser)
	}{
		{"what is public and painted, newest first", testGalleryList},
		{"below a stage prefix", testGalleryPrefix},
		{"nothing there", testGalleryEmpty},
		{"page after page, some empty", testGalleryPages},
		{"one picture", testGalleryLightbox},
		{"a link to a picture", testGalleryLink},
		{"new ones appear and erased ones go", testGalleryNews},
		{"a picture that can't be had", testGalleryMissing},
		{"the server is away", testGalleryAway},
		{"away in the middle", testGalleryAwayLater},
		{"phone", testGalleryPhone},
		{"a static site", testGallerySite},
		{"a static site whose hour is emptied", testGallerySiteEmptied},
		{"a static site without manifests", testGallerySiteEmpty},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b) })
	}
}

// paint makes a painted job.
func (s *site) paint(t *testing.T, public bool) job.ID {
	t.Helper()
	id := s.create(t, public)
	lease, err := s.store.Claim(t.Context(), id, 1, "gallery test")
	if err != nil {
		t.Fatal(err)
	}
	succeed(t, lease)
	return id
}

func (s *site) create(t *testing.T, public bool) job.ID {
	t.Helper()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spec := &job.Spec{ID: id, Style: "night-swirls", Strength: 1, Format: "jpeg", Quality: 90, Public: public, CreatedAt: id.Time()}
	if err := s.store.Create(spec, gradient(t, 40, 30, 9), nil); err != nil {
		t.Fatal(err)
	}
	return id
}

// untilShown waits until exactly these pictures are shown, in this order.
func (p *tab) untilShown(ids ...job.ID) {
	p.Helper()
	p.untilGallery(`[...document.querySelectorAll('#grid a')].map((a) => a.hash.slice(1)).join() === '` + strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]") + `'`)
}

// untilGallery is Until, and logs what is shown when it fails.
func (p *tab) untilGallery(js string) {
	p.Helper()
	if _, err := chromedp.Run(p.Ctx, chromedp.Poll[bool]("Boolean("+js+")", chromedp.WithPollingTimeout(browsertest.Timeout))); err != nil {
		p.Fatalf("wait for %s: %v; the gallery is %s, shows %s and says %q", js, err, p.Str("document.body.dataset.state"),
			p.Str("[...document.querySelectorAll('#grid a')].map((a) => a.hash).join(' ')"), p.Str("document.querySelector('#trouble').textContent"))
	}
}

// poll makes the gallery look for new pictures, as it does every few seconds.
func (p *tab) poll() { p.Helper(); p.Eval(`document.dispatchEvent(new Event('visibilitychange'))`) }

func testGalleryList(t *testing.T, b *browser) {
	site := newSite(t, "")
	first, second := site.paint(t, true), site.paint(t, true)
	site.paint(t, false)
	site.create(t, true)
	failed, err := site.store.Claim(t.Context(), site.create(t, true), 1, "test")
	if err == nil {
		err = failed.Fail(job.Failure{Code: "x", Message: "y"})
	}
	if err != nil {
		t.Fatal(err)
	}
	third := site.paint(t, true)
	p := b.open(t, site.url+"gallery")
	p.untilShown(third, second, first)
	for what, want := range map[string]string{
		`document.title`: "Stylized Images", `document.body.dataset.state`: "shown",
		`document.querySelector('#status').textContent`: "3 pictures",
		`document.querySelector('header a').href`:       site.url,
	} {
		if got := p.Str(what); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	p.untilGallery(`[...document.querySelectorAll('#grid img')].every((i) => i.naturalWidth > 0 && i.alt.startsWith('Night swirls') && i.width > 0 && i.getAttribute('width') === '96')`)
	if !p.Is(`document.querySelector('#more').hidden`) {
		t.Error("there is a button for more, and there are no more")
	}
}

func testGalleryPrefix(t *testing.T, b *browser) {
	site := newSite(t, "/prod")
	id := site.paint(t, true)
	p := b.open(t, site.url+"gallery/")
	p.untilShown(id)
	p.untilGallery(`document.querySelector('#grid img').naturalWidth > 0`)
	if got := p.Str("location.href"); got != site.url+"gallery" {
		t.Errorf("with a slash at the end: at %s, want %sgallery", got, site.url)
	}
}

func testGalleryEmpty(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url+"gallery")
	p.untilGallery(`document.querySelector('#empty').checkVisibility() && !document.querySelector('#skeleton').checkVisibility()`)
	if got := p.Str(`document.querySelector('#empty a').href`); got != site.url {
		t.Errorf("the way to the page: %s", got)
	}
	id := site.paint(t, true)
	p.poll()
	p.untilShown(id)
	p.untilGallery(`!document.querySelector('#empty').checkVisibility()`)
}

// manifest is a page of the API's list with jobs of made-up ids.
func manifest(next string, ids ...job.ID) string {
	var jobs []string
	for _, id := range ids {
		jobs = append(jobs, fmt.Sprintf(`{"id":%q,"state":"succeeded","public":true,"style":"night-swirls:0.7,mosaic:0.3","strength":0.5,"finished_at":"2026-11-23T16:00:00Z",
			"result":{"url":"pictures/%s.jpg","thumbnail_url":"thumbs/%s.jpg","width":96,"height":64,"bytes":1234567,"content_type":"image/jpeg"}}`, id, id, id))
	}
	return `{"jobs":[` + strings.Join(jobs, ",") + `],` + next + `}`
}

// pages makes the site return these pages of the list, by cursor, and any picture.
func (s *site) pages(t *testing.T, pages map[string]string) {
	picture := gradient(t, 96, 64, 0)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, ".jpg"):
			w.Header().Set("Content-Type", "image/jpeg")
			_, _ = w.Write(picture)
		case strings.HasPrefix(r.URL.Path, "/v1/gallery"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(pages[r.URL.Query().Get("cursor")]))
		default:
			return false
		}
		return true
	})
}

func testGalleryPages(t *testing.T, b *browser) {
	site := newSite(t, "")
	site.pages(t, map[string]string{
		"":  manifest(`"next_cursor":"b"`, "id-9", "id-8"),
		"b": manifest(`"next_cursor":"c"`),                 // nothing, and still there are more
		"c": manifest(`"next_cursor":"d"`, "id-8", "id-7"), // one again
		"d": manifest(`"next_cursor":"e"`), "e": manifest(`"next_cursor":"f"`), "f": manifest(`"next_cursor":"g"`), "g": manifest(`"next_cursor":"h"`),
		"h": manifest(`"next_cursor":"i"`), "i": manifest(`"next_cursor":"j"`), "j": manifest(`"next_cursor":null`, "id-6"),
	})
	p := b.open(t, site.url+"gallery")
	p.untilShown("id-9", "id-8", "id-7")
	// So many empty pages are not read unasked.
	p.untilGallery(`document.querySelector('#more').checkVisibility() && document.querySelector('#more').ariaBusy !== 'true'`)
	p.TabTo("#more")
	p.Keys(kb.Enter)
	p.untilShown("id-9", "id-8", "id-7", "id-6")
	p.untilGallery(`document.querySelector('#more').hidden`)

	// More than fits is read as one scrolls.
	all := map[string]string{}
	for page := range 10 {
		var ids []job.ID
		for i := range 60 {
			ids = append(ids, job.ID(fmt.Sprintf("id-%03d", 999-60*page-i)))
		}
		cursor, next := fmt.Sprint(page), fmt.Sprintf(`"next_cursor":"%d"`, page+1)
		if page == 0 {
			cursor = ""
		}
		if page == 9 {
			next = `"next_cursor":null`
		}
		all[cursor] = manifest(next, ids...)
	}
	site.pages(t, all)
	p.Do(chromedp.Reload())
	p.untilGallery(`document.querySelectorAll('#grid a').length >= 60`)
	if n := p.Num(`document.querySelectorAll('#grid a').length`); n > 300 {
		t.Errorf("%v pictures were listed unasked", n)
	}
	for range 10 {
		p.Eval(`scrollTo(0, document.body.scrollHeight); await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`)
	}
	p.untilGallery(`scrollTo(0, document.body.scrollHeight), document.querySelectorAll('#grid a').length === 600`)
}

func testGalleryPhone(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url+"gallery")
	p.Do(chromedp.EmulateViewport(360, 640, chromedp.EmulateMobile, chromedp.EmulateTouch))
	check := func(when string) {
		t.Helper()
		if wide := p.Num(`document.documentElement.scrollWidth`); wide > 360 {
			t.Errorf("%s: the page is %v pixels wide, want 360 at most", when, wide)
		}
		if small := p.Str(`[...document.querySelectorAll('button, a')].filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44).map((e) => e.outerHTML).join('\n')`); small != "" {
			t.Errorf("%s: lower than 44 pixels:\n%s", when, small)
		}
	}
	p.untilGallery(`document.body.dataset.state === 'empty'`)
	check("empty")
	ids := []job.ID{site.paint(t, true), site.paint(t, true), site.paint(t, true)}
	p.poll()
	p.untilShown(ids[2], ids[1], ids[0])
	check("full")
	if got := p.Num(`new Set([...document.querySelectorAll('#grid a')].map((a) => a.getBoundingClientRect().x)).size`); got != 2 {
		t.Errorf("%v columns, want 2", got)
	}
	p.Do(chromedp.Click(chromedp.CSS("#grid a")))
	p.untilGallery(`document.querySelector('#lightbox').open`)
	check("one picture")
	if p.Is(`document.querySelector('#actions').getBoundingClientRect().bottom > innerHeight || document.querySelector('#canvas').getBoundingClientRect().right > innerWidth`) {
		t.Error("the picture or its buttons are not in sight")
	}
}

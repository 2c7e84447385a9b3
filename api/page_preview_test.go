package api_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// submitted is a job of an earlier visit, in the first style, that no worker has started.
func (s *site) submitted(t *testing.T, b *browser) (link string) {
	t.Helper()
	p := b.open(t, s.url)
	p.submit(photo(t, 64, 128))
	p.untilPhase("queued")
	p.Until(`location.hash.startsWith('#job=')`)
	link = p.Str(`location.href`)
	p.Do(chromedp.Navigate("about:blank"))
	return link
}

func jobOf(link string) job.ID { return job.ID(link[strings.Index(link, "#job=")+len("#job="):]) }

// previews counts the requests for previews.
func (s *site) previews() *atomic.Int64 {
	var n atomic.Int64
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/preview") {
			n.Add(1)
		}
		return false
	})
	return &n
}

// untilPlaceholder waits for the style's name in place of the photograph, large and in the strip,
// and for the explanation.
func (p *tab) untilPlaceholder(says string) {
	p.Helper()
	title := style.All()[0].Title
	p.Until(`document.querySelector('#placeholder').checkVisibility() && !document.querySelector('#before').hasAttribute('src') &&
		document.querySelector('#placeholder').textContent === '` + title + `' && document.querySelector('#absence').textContent === '` + says + `'`)
	p.Until(`!document.querySelector('#pieces img').src && document.querySelector('#pieces small').textContent === '` + title + `'`)
	p.noBrokenPictures()
}

// untilPhoto waits for the photograph, large and in the strip.
func (p *tab) untilPhoto() {
	p.Helper()
	p.Until(`document.querySelector('#before').naturalWidth === 64 && ![...document.querySelectorAll('#placeholder, #absence')].some((e) => e.checkVisibility())`)
	p.Until(`document.querySelector('#pieces img').naturalWidth === 64 && !document.querySelector('#pieces small').checkVisibility()`)
	p.noBrokenPictures()
}

func (p *tab) noBrokenPictures() {
	p.Helper()
	if broken := p.Str(`[...document.images].filter((i) => i.src && i.complete && !i.naturalWidth && i.checkVisibility()).map((i) => i.outerHTML).join()`); broken != "" {
		p.Errorf("broken pictures: %s", broken)
	}
}

// The explanations of a missing photograph.
const (
	untilBegun = "The photograph appears here when a worker has started the job."
	inAMoment  = "The photograph appears here in a moment."
	notThere   = "There is no preview of the photograph."
)

// The preview of a job that no worker has started is not requested.
func testUnbegun(t *testing.T, b *browser) {
	site := newSite(t, "")
	link := site.submitted(t, b)
	asked := site.previews()
	p := b.open(t, link)
	p.untilPhase("queued")
	p.untilPlaceholder(untilBegun)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label:last-child")))
	p.untilNote("It can be painted again when a worker has started the job.")
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilStrip("Queued")
	p.Do(chromedp.Reload())
	p.untilPlaceholder(untilBegun)
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests for a preview that can't be there", n)
	}
	if n := len(site.queue.messages); n != 1 {
		t.Errorf("%d jobs, want the one", n)
	}

	lease := site.claim(t)
	p.untilPhase("running")
	p.untilPhoto()
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests for the preview, want 1", n)
	}
	if got := p.Num(`document.querySelector('#frame').clientWidth / document.querySelector('#frame').clientHeight`); got < 0.49 || got > 0.51 {
		t.Errorf("the photograph's place has the ratio %.2f, want 0.5", got)
	}
	p.Do(chromedp.Click(chromedp.CSS("#tiles label:last-child")))
	p.untilNote("This takes the preview")
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilStrip("Painting", "Queued")
	succeed(t, lease)
	succeed(t, site.claim(t))
	p.untilStrip("Painted", "Painted")
}

// untilNote waits for the note beside the button; what can't be painted is not offered.
func (p *tab) untilNote(text string) {
	p.Helper()
	p.Until(`document.querySelector('#paint-note').checkVisibility() && document.querySelector('#paint-note').textContent.includes("` + text + `")`)
	if got, want := p.Is(`document.querySelector('#paint').getAttribute('aria-disabled') === 'true'`), !strings.HasPrefix(text, "This takes"); got != want {
		p.Errorf("%s: the button is disabled: %t", text, got)
	}
}

// A worker has started, and the preview is late: the page requests it again.
func testPreviewLate(t *testing.T, b *browser) {
	site := newSite(t, "")
	link := site.submitted(t, b)
	lease := site.claimOnly(t)
	refused := make(chan struct{}, 16)
	site.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/preview") {
			refused <- struct{}{}
		}
		return false
	})
	p := b.open(t, link)
	p.ExpectFailures() // it is asked for too early
	p.untilPhase("running")
	p.untilPlaceholder(inAMoment)
	for range 2 {
		select {
		case <-refused:
		case <-time.After(pageTimeout):
			t.Fatal("the preview is not asked for again")
		}
	}
	site.preview(t, lease)
	p.untilPhoto()
	p.untilPhase("running")
}

// A job that ended before any worker started it can be retried with its settings, because the
// server has the original; for other settings the photograph is missing, and the page explains
// that.
func testCanceledUnbegun(t *testing.T, b *browser) {
	site := newSite(t, "")
	link := site.submitted(t, b)
	<-site.queue.messages
	if _, err := site.store.Cancel(jobOf(link)); err != nil {
		t.Fatal(err)
	}
	asked := site.previews()
	p := b.open(t, link)
	p.untilPhase("failed")
	p.untilPlaceholder(notThere)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label:last-child")))
	p.untilNote("Go back to the settings it had, or choose the photograph again.")
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilStrip("Stopped")
	p.Do(chromedp.Click(chromedp.CSS("#tiles label:first-child")))
	p.Until(`document.querySelector('#paint-note').hidden`)
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests for a preview that can't be there", n)
	}
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilPhase("queued")
	p.untilPlaceholder(untilBegun)
	lease := site.claim(t)
	if lease.Run != 2 || lease.Spec.ID != jobOf(link) {
		t.Errorf("got run %d of job %s, want the second of the same job", lease.Run, lease.Spec.ID)
	}
	p.untilPhoto()
	succeed(t, lease)
	p.untilPhase("succeeded")
}

// A picture that could not be decoded has no preview, and none is requested.
func testUndecodable(t *testing.T, b *browser) {
	site := newSite(t, "")
	link := site.submitted(t, b)
	if err := site.claimOnly(t).Fail(*job.FailureOf(job.ErrUndecodable)); err != nil {
		t.Fatal(err)
	}
	asked := site.previews()
	p := b.open(t, link)
	p.untilNotice("save it again with another program. Choose what was saved.")
	p.untilPlaceholder(notThere)
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests for a preview that can't be there", n)
	}
}

// Whether a job that was given up has a preview is unknown: it is requested once.
func testNoPreview(t *testing.T, b *browser) {
	site := newSite(t, "")
	link := site.submitted(t, b)
	if err := site.claimOnly(t).Fail(job.Failure{Code: job.CodeGaveUp, Message: "given up"}); err != nil {
		t.Fatal(err)
	}
	asked := site.previews()
	p := b.open(t, link)
	p.ExpectFailures() // there is none
	p.untilPhase("failed")
	p.untilPlaceholder(notThere)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label:last-child")))
	p.untilNote("Go back to the settings it had")
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests for the preview, want 1", n)
	}
}

// Until a key is entered nothing is requested; then the preview is fetched with it.
func testPreviewWithKey(t *testing.T, b *browser) {
	site, key, _ := newKeySite(t)
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	photo := gradient(t, 64, 128, 9)
	spec := &job.Spec{ID: id, Owner: "anna", Style: style.Names()[0], Strength: 1, Size: 1024, Format: "jpeg", Quality: 90, CreatedAt: id.Time()}
	if err := site.store.Create(spec, photo, nil); err != nil {
		t.Fatal(err)
	}
	p := b.open(t, site.url+"#job="+string(id))
	p.enterKey(key)
	p.untilPlaceholder(untilBegun)
	lease, err := site.store.Claim(t.Context(), id, 1, "test")
	if err == nil {
		err = lease.StorePreview(photo)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.untilPhoto()
	if got := p.Str(`document.querySelector('#before').src`); !strings.HasPrefix(got, "blob:") {
		t.Errorf("got %s, want what was fetched with the key", got)
	}
}

// The placeholders of the longest blend on a phone.
func testPreviewPhone(t *testing.T, b *browser) {
	site := newSite(t, "")
	styles := style.All()
	blend := styles[0].Name + ":0.4," + styles[1].Name + ":0.3," + styles[2].Name + ":0.2," + styles[3].Name + ":0.1"
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spec := &job.Spec{ID: id, Style: blend, Strength: 1, Size: 1024, Format: "jpeg", Quality: 90, CreatedAt: id.Time()}
	if err := site.store.Create(spec, gradient(t, 400, 100, 9), nil); err != nil {
		t.Fatal(err)
	}
	p := b.open(t, site.url)
	p.emulatePhone()
	check := func(what string) {
		t.Helper()
		p.Until(`document.querySelector('#placeholder').textContent.includes('` + styles[3].Title + `')`)
		p.fits(what)
		if over := p.Str(`[...document.querySelectorAll('#placeholder, #pieces small')].filter((e) =>
			e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML).join()`); over != "" {
			t.Errorf("%s: more than fits in %s", what, over)
		}
	}
	// A panorama leaves the least room.
	p.Eval(`localStorage.setItem('atelier / jobs', '[{"id":"` + string(id) + `","width":400,"height":100}]')`)
	p.Do(chromedp.Navigate(site.url+"#job="+string(id)), chromedp.Reload())
	p.untilPhase("queued")
	check("queued")
	if _, err := site.store.Cancel(id); err != nil {
		t.Fatal(err)
	}
	p.untilPhase("failed")
	p.pick(3)
	p.untilNote("Go back to the settings it had")
	check("canceled")
}

// The style's name is shown instead of a thumbnail that is unavailable.
func testThumbnailAway(t *testing.T, b *browser) {
	site := newSite(t, "")
	link := site.submitted(t, b)
	succeed(t, site.claim(t))
	site.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		away := strings.HasSuffix(r.URL.Path, "/thumbnail") && strings.HasPrefix(r.URL.Path, "/v1/jobs/")
		if away {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return away
	})
	p := b.open(t, link)
	p.ExpectFailures()
	p.untilPhase("succeeded")
	p.untilStrip("Painted")
	p.Until(`document.querySelector('#pieces small').checkVisibility() && document.querySelector('#pieces small').textContent === '` + style.All()[0].Title + `'`)
	p.Until(`!document.querySelector('#pieces img').src`)
	p.noBrokenPictures()
}

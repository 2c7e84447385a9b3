package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestPageFiles(t *testing.T) {
	site := newSite(t, "")
	get := func(path, etag string) (int, http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", etag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header
	}
	for path, want := range map[string]string{
		"":            "text/html; charset=utf-8",
		"style.css":   "text/css; charset=utf-8",
		"stage.css":   "text/css; charset=utf-8",
		"main.js":     "text/javascript; charset=utf-8",
		"favicon.svg": "image/svg+xml",
	} {
		status, header := get(path, "")
		if got := header.Get("Content-Type"); status != http.StatusOK || got != want {
			t.Errorf("GET /%s: got %d %q, want 200 %q", path, status, got, want)
		}
		if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("GET /%s: got the policy %q, want a strict one", path, csp)
		}
		if status, _ := get(path, header.Get("ETag")); status != http.StatusNotModified {
			t.Errorf("GET /%s with its ETag: got %d, want 304", path, status)
		}
	}
	for _, path := range []string{"nothing", "ui/main.js", "main.js/", "index.html"} {
		if status, header := get(path, ""); status != http.StatusNotFound || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET /%s: got %d %q, want 404 and a problem", path, status, header.Get("Content-Type"))
		}
	}
}

// TestPage runs the page in a real browser against the real handler, with a queue that records
// messages and the test as the worker.
func TestPage(t *testing.T) {
	b := &browser{browsertest.Start(t)}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser)
	}{
		{"choose, paint, watch, download", testPaint},
		{"below a stage prefix", testPrefix},
		{"paint again", testPaintAgain},
		{"a reload finds the job again", testReload},
		{"a shared link can be painted again", testSharedLink},
		{"a failed job has a reason", testFailed},
		{"a failed job of an earlier visit", testRetry},
		{"a picture that is refused here", testRefusedHere},
		{"a picture that the server refuses", testRefusedThere},
		{"the server is away while a job runs", testAway},
		{"the server takes nothing", testUnavailable},
		{"stop sending", testStop},
		{"stop a job", testStopJob},
		{"a job is erased", testErased},
		{"styles come late", testStylesLate},
		{"no styles", testNoStyles},
		{"an unknown job", testUnknownJob},
		{"other formats", testFormatsOnPage},
		{"paste", testPaste},
		{"several pictures", testSeveral},
		{"all again with another style", testAllAgain},
		{"erase", testErase},
		{"clear the list", testClear},
		{"stop all", testStopAll},
		{"take a picture out", testRemove},
		{"too many submissions", testBusy},
		{"offline", testOffline},
		{"the preview is away", testPreviewAway},
		{"a style picture of one's own", testOwnStyle},
		{"a blend", testBlend},
		{"public or not", testPublic},
		{"an API key", testKey},
		{"a key for a visit", testKeyOfAVisit},
		{"pictures out of sight", testFarPieces},
		{"a job that no worker has started", testUnbegun},
		{"the preview is late", testPreviewLate},
		{"a job that was canceled before any worker started it", testCanceledUnbegun},
		{"a picture that could not be decoded", testUndecodable},
		{"no preview", testNoPreview},
		{"a preview under a key", testPreviewWithKey},
		{"a thumbnail is away", testThumbnailAway},
		{"placeholders on a phone", testPreviewPhone},
		{"keyboard only", testKeyboard},
		{"phone", testPhone},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b) })
	}
}

func testPaint(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	if got := p.Str("document.title"); got != "Atelier" {
		t.Errorf("title: got %q, want Atelier", got)
	}
	p.choose(photo(t, 300, 200))
	p.Until(`document.querySelector('#before').naturalWidth === 300`)
	chosen := style.All()[1]
	p.Do(chromedp.Click(chromedp.CSS(`[name=style][value="` + chosen.Name + `"]`)))
	p.Eval(`{ const s = document.querySelector('#strength'); s.value = 80; s.dispatchEvent(new Event('input', {bubbles: true})) }`)
	p.Do(chromedp.Click(chromedp.CSS("summary")))
	p.Do(chromedp.Click(chromedp.CSS(`[name=size][value="512"]`)), chromedp.Click(chromedp.CSS(`[name=format][value="png"]`)))
	p.Do(chromedp.Click(chromedp.CSS(`[name=preserve_colors]`)))
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilPhase("queued")
	p.Until(`location.hash.startsWith('#job=')`)

	lease := site.claim(t)
	if s := lease.Spec; s.Style != chosen.Name || s.Strength != 0.8 || s.Size != 512 || s.Format != "png" || !s.PreserveColors {
		t.Errorf("the job: got style %s, strength %v, size %d, format %s, colours kept %v; want what was chosen", s.Style, s.Strength, s.Size, s.Format, s.PreserveColors)
	}
	p.untilPhase("running")
	p.Until(`/^\d+ s$/.test(document.querySelector('#clock').textContent)`)
	succeed(t, lease)
	p.untilPhase("succeeded")

	base := site.url + "v1/jobs/" + string(lease.Spec.ID)
	for _, c := range []struct{ what, js, want string }{
		{"before", `document.querySelector('#before').src`, base + "/preview"},
		{"after", `document.querySelector('#after').src`, base + "/result"},
		{"download link", `document.querySelector('#download').href`, base + "/result?download=true"},
		{"status", `document.querySelector('#status').textContent`, "Painted"},
		{"alt text", `document.querySelector('#after').alt`, "The photograph, painted: " + chosen.Title},
	} {
		if got := p.Str(c.js); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
	if got := p.Str(`document.querySelector('#receipt').textContent.replaceAll('\u00a0', ' ')`); !strings.Contains(got, chosen.Title+" at 80% · 96 × 64 · ") || !strings.Contains(got, "waited 0.2 s · painted in 0.3 s") {
		t.Errorf("receipt: got %q", got)
	}
	// The link really answers the picture, as a file with a name.
	head := p.Str(`(await fetch(document.querySelector('#download').href)).headers.get('Content-Type')`)
	if !p.Is(`document.querySelector('#download').hasAttribute('download')`) || head != "image/png" {
		t.Errorf("download: got %q", head)
	}
}

func testPrefix(t *testing.T, b *browser) {
	site := newSite(t, "/prod")
	p := b.open(t, site.url)
	p.submit(photo(t, 64, 64))
	succeed(t, site.claim(t))
	p.untilPhase("succeeded")
	if got := p.Str(`document.querySelector('#after').src`); !strings.HasPrefix(got, site.url+"v1/jobs/") {
		t.Errorf("result: got %s, want it below %s", got, site.url)
	}
}

func testPaintAgain(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.submit(photo(t, 64, 64))
	succeed(t, site.claim(t))
	p.untilPhase("succeeded")
	first := p.Str("location.hash")

	p.Do(chromedp.Click(chromedp.CSS(`#tiles label:last-child`)), chromedp.Click(chromedp.CSS("#paint")))
	second := site.claim(t)
	if second.Spec.Input.Width != 64 {
		t.Errorf("painted again: got a picture %d wide, want the same one", second.Spec.Input.Width)
	}
	succeed(t, second)
	p.Until(`location.hash === '#job=` + string(second.Spec.ID) + `'`)
	p.untilPhase("succeeded")

	p.Do(chromedp.Click(chromedp.CSS(`#pieces label`)))
	p.Until(`location.hash === '` + first + `' && document.querySelector('#after').src.includes('` + first[len("#job="):] + `')`)
	p.untilPhase("succeeded")
}

func testReload(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.submit(photo(t, 120, 240))
	lease := site.claim(t)
	p.untilPhase("running")
	p.Do(chromedp.Reload())
	p.untilPhase("running")
	if got := p.Num(`document.querySelector('#frame').clientWidth / document.querySelector('#frame').clientHeight`); got < 0.49 || got > 0.51 {
		t.Errorf("after a reload the picture's place has the ratio %.2f, want 0.5", got)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")

	p.Do(chromedp.Reload())
	p.untilPhase("succeeded")
	shift := p.Num(`await new Promise((resolve) => new PerformanceObserver((list) =>
		resolve(list.getEntries().reduce((sum, e) => sum + e.value, 0))).observe({type: 'layout-shift', buffered: true}) ||
		requestAnimationFrame(() => requestAnimationFrame(() => resolve(0))))`)
	if shift > 0.1 {
		t.Errorf("layout shift while the pictures arrive: got %.3f, want 0.1 at most", shift)
	}
}

func testSharedLink(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.Until(`document.querySelector('#tiles input')`)
	p.Do(chromedp.Click(chromedp.CSS("summary")), chromedp.Click(chromedp.CSS(`[name=size][value="2048"]`)))
	p.submit(photo(t, 64, 64))
	succeed(t, site.claim(t))
	p.untilPhase("succeeded")

	q := b.open(t, p.Str("location.href"))
	q.untilPhase("succeeded")
	if got := q.Str(`new FormData(document.querySelector('#form')).get('size')`); got != "2048" {
		t.Errorf("settings of a shared job: got size %s, want 2048", got)
	}
	if !q.Is(`!document.querySelector('#paint-note').hidden`) {
		t.Error("there is no note that a shared job is painted again from its preview")
	}
	q.Do(chromedp.Click(chromedp.CSS("#paint")))
	succeed(t, site.claim(t))
	q.untilPhase("succeeded")
}

func testFailed(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.submit(photo(t, 64, 64))
	if err := site.claimOnly(t).Fail(job.Failure{Code: "damaged_image", Message: "the image is damaged"}); err != nil {
		t.Fatal(err)
	}
	p.untilPhase("failed")
	p.untilNotice("The image is damaged. Open it in a viewer")
	if got := p.Str(`document.querySelector('#paint').textContent`); got != "Paint again" {
		t.Errorf("the button: got %q, want Paint again", got)
	}
}

// The server has the original of a job of an earlier visit: painted again with the same settings,
// the job is retried instead of submitted from its preview.
func testRetry(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.submit(photo(t, 64, 64))
	if err := site.claim(t).Fail(job.Failure{Code: job.CodeGaveUp, Message: "given up"}); err != nil {
		t.Fatal(err)
	}
	p.untilPhase("failed")

	q := b.open(t, p.Str("location.href"))
	q.untilPhase("failed")
	if !q.Is(`document.querySelector('#paint-note').hidden`) {
		t.Error("there is a note that the preview is painted")
	}
	q.Do(chromedp.Click(chromedp.CSS("#paint")))
	lease := site.claim(t)
	if lease.Run != 2 {
		t.Errorf("got run %d of job %s, want the second of the same job", lease.Run, lease.Spec.ID)
	}
	succeed(t, lease)
	q.untilPhase("succeeded")
	if p.Str("location.href") != q.Str("location.href") {
		t.Error("another job was made")
	}
}

func testStylesLate(t *testing.T, b *browser) {
	site := newSite(t, "")
	site.answer("/v1/styles", http.StatusServiceUnavailable, `{"detail":"the catalogue is away"}`)
	p := b.open(t, site.url)
	p.ExpectFailures()
	p.Until(`document.querySelector('#styles-note').textContent === 'The catalogue is away. Trying again…'`)
	site.recover()
	p.Until(`document.querySelectorAll('#tiles img').length > 1 && document.querySelector('#styles-note').textContent === ''`)
}

func testNoStyles(t *testing.T, b *browser) {
	site := newSite(t, "")
	site.answer("/v1/styles", http.StatusOK, `{"styles":null}`)
	p := b.open(t, site.url)
	p.Until(`document.querySelector('#styles-note').textContent.startsWith('This server offers no styles')`)
	p.choose(photo(t, 64, 64))
	p.untilPhase("chosen")
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	if got := p.Str("document.body.dataset.phase"); got != "chosen" {
		t.Errorf("painting without a style: got phase %s, want chosen", got)
	}
}

func testUnknownJob(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url+"#job=0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f")
	p.ExpectFailures()
	p.untilNotice("No such job")
	p.untilPhase("empty")
	p.Eval(`location.hash = '#job=<nonsense>'`)
	p.untilNotice("Not a job id")
}

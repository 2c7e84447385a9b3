package api_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/job"
)

// untilStrip waits until the pictures of the strip have these captions, in this order.
func (p *tab) untilStrip(captions ...string) {
	p.Helper()
	p.Until(`[...document.querySelectorAll('#pieces span')].map((s) => s.textContent).join() === '` + strings.Join(captions, ",") + `'`)
}

// look shows the nth picture of the strip, starting with 1.
func (p *tab) look(n int) {
	p.Helper()
	p.Eval(`document.querySelectorAll('#pieces input')[` + strconv.Itoa(n-1) + `].click()`)
}

// pick chooses the nth style, or removes it from a blend, starting with 0.
func (p *tab) pick(n int) {
	p.Helper()
	p.Until(`document.querySelector('#tiles input')`)
	p.Eval(`document.querySelectorAll('#tiles label')[` + strconv.Itoa(n) + `].click()`)
}

func photos(t *testing.T, n int) (paths []string) {
	for range n {
		paths = append(paths, photo(t, 64, 64))
	}
	return paths
}

// Pictures are independent: one fails, one is stopped, one can't be sent.
func testSeveral(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	whole := gradient(t, 400, 400, 90)
	chosen := append(photos(t, 4), file(t, "cut.jpg", whole[:len(whole)/2]), photo(t, 64, 64))
	p.choose(append(chosen, file(t, "notes.txt", []byte("no picture")))...)
	p.untilStrip("New", "New", "New", "New", "New", "New")
	p.untilNotice("“notes.txt” is not a JPEG")

	arrived, pass := make(chan struct{}, 6), make(chan struct{})
	site.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			arrived <- struct{}{}
			<-pass
		}
		return false
	})
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")))
	p.Until(`document.querySelector('#paint').textContent === 'Paint 6 pictures'`)
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	for range 3 {
		<-arrived
	}
	p.untilStrip("Sending", "Sending", "Sending", "Waiting", "Waiting", "Waiting")
	p.look(6)
	p.untilPhase("waiting")
	p.Do(chromedp.Click(chromedp.CSS("#stop")))
	p.untilStrip("Sending", "Sending", "Sending", "Waiting", "Waiting", "New")
	close(pass)
	p.untilStrip("Queued", "Queued", "Queued", "Queued", "Not sent", "New")
	site.recover()
	p.look(5)
	p.untilNotice("damaged")

	ids := browsertest.Value[[]string](p.Tab, `JSON.parse(Object.entries(localStorage).find(([k]) => k.endsWith('jobs'))[1]).map((j) => j.id)`)
	for range 4 {
		lease := site.claim(t)
		p.Until(`document.querySelector('#pieces [data-phase=running]')`)
		if string(lease.Spec.ID) == ids[1] {
			if err := lease.Fail(job.Failure{Code: "internal", Message: "the paint ran out"}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		succeed(t, lease)
		p.Until(`!document.querySelector('#pieces [data-phase=running]')`)
	}
	p.Until(`document.querySelector('#count').textContent === '2 new, 3 painted, 1 failed'`)
	p.Until(`document.querySelector('#heard').textContent === 'All pictures are done: 3 painted, 1 failed.'`)
	links := map[string]bool{}
	for n := range 4 {
		p.look(n + 1)
		p.Until(`['succeeded', 'failed'].includes(document.body.dataset.phase)`)
		if p.Is(`document.body.dataset.phase === 'succeeded'`) {
			links[p.Str(`document.querySelector('#download').href`)] = true
			continue
		}
		p.untilNotice("The paint ran out. Paint it again")
		if !p.Is(`document.querySelector('#download').hidden`) {
			t.Error("a failed picture can be downloaded")
		}
	}
	if len(links) != 3 {
		t.Errorf("links to download: got %v, want 3", links)
	}

	onShow := p.Str(`document.body.dataset.phase`)
	p.Do(chromedp.Reload())
	p.Until(`document.querySelector('#count').textContent === '3 painted, 1 failed'`)
	p.untilPhase(onShow)
}

// One style for all pictures, and then another.
func testAllAgain(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.add(photos(t, 2)...)
	for i, button := range []string{"#paint", "#paint-all"} {
		p.pick(i)
		p.Do(chromedp.Click(chromedp.CSS(button)))
		succeed(t, site.claim(t))
		succeed(t, site.claim(t))
	}
	p.untilStrip("Painted", "Painted", "Painted", "Painted")
	if !p.Is(`document.querySelector('#paint-all').hidden`) {
		t.Error("what was painted so already is offered again")
	}
	p.Do(chromedp.Reload())
	p.untilStrip("Painted", "Painted", "Painted", "Painted")
	p.pick(2)
	p.Until(`document.querySelector('#paint-all').textContent === 'Paint all 2 like this'`)
}

func testErase(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	p.add(photos(t, 2)...)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
	first, second := site.claim(t), site.claim(t)
	succeed(t, first)
	p.Until(`document.querySelector('#pieces [data-phase=succeeded]')`)
	p.Eval(`location.hash = '#job=` + string(first.Spec.ID) + `'`)
	p.untilPhase("succeeded")
	p.Do(chromedp.Click(chromedp.CSS("#erase")))
	p.Until(`document.querySelector('#ask').open`)
	p.Keys(kb.Escape)
	p.Until(`!document.querySelector('#ask').open && document.activeElement.id === 'erase'`)

	site.answer("/v1/jobs/"+string(first.Spec.ID), http.StatusServiceUnavailable, `{"status":503,"code":"unavailable","detail":"the disk is away"}`)
	p.Do(chromedp.Click(chromedp.CSS("#erase")), chromedp.Click(chromedp.CSS("#ask-yes")))
	p.untilNotice("The disk is away. Nothing was erased.")
	site.recover()

	// One that is painted, after more changes than a server allows, and one while it is.
	var refused atomic.Bool
	site.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete || refused.Swap(true) {
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	p.Do(chromedp.Click(chromedp.CSS("#erase")), chromedp.Click(chromedp.CSS("#ask-yes")))
	p.untilStrip("Painting")
	site.recover()
	p.untilPhase("running")
	p.Do(chromedp.Click(chromedp.CSS("#erase")), chromedp.Click(chromedp.CSS("#ask-yes")))
	p.untilPhase("empty")
	p.Until(`document.activeElement.id === 'file' && document.querySelector('#notice').hidden`)
	for _, id := range []job.ID{first.Spec.ID, second.Spec.ID} {
		if _, err := site.store.Job(id); !errors.Is(err, job.ErrGone) {
			t.Errorf("an erased job: got %v, want that it is gone", err)
		}
	}
	p.Do(chromedp.Reload())
	p.Until(`document.querySelector('#tiles input') && !document.querySelector('#pieces label')`)
}

func testClear(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.add(photos(t, 2)...)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
	done := site.claim(t)
	succeed(t, done)
	going := site.claim(t)
	p.Until(`document.querySelector('#count').textContent === '1 to go, 1 painted'`)
	p.Do(chromedp.Click(chromedp.CSS("#clear")), chromedp.Click(chromedp.CSS("#ask-yes")))
	p.untilStrip("Painting")
	if j, err := site.store.Job(done.Spec.ID); err != nil || j.State != job.Succeeded {
		t.Errorf("a job that was cleared from the list: %s, %v", j.State, err)
	}
	p.Do(chromedp.Reload())
	p.untilStrip("Painting")
	succeed(t, going)
	p.untilStrip("Painted")
}

// A submission that is refused for a while is repeated after Retry-After with the same key.
func testBusy(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	keys := make(chan string, 16)
	first := true
	site.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		keys <- r.Header.Get("Idempotency-Key")
		if !first {
			return false
		}
		first = false
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"status":429,"code":"rate_limited","detail":"more than 1 submissions a second, which is the limit here; try again in a moment"}`)
		return true
	})
	p.submit(photo(t, 64, 64))
	p.untilNotice("try again in a moment. Trying again…")
	p.untilStrip("Waiting")
	lease := site.claim(t)
	if one, two := <-keys, <-keys; one == "" || one != two {
		t.Errorf("Idempotency-Key: got %q and then %q, want the same", one, two)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")
}

func testStopAll(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.add(photos(t, 5)...)
	release := make(chan struct{})
	var sent atomic.Int32
	site.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Path == "/v1/jobs" && sent.Add(1) > 2 {
			<-release
		}
		return false
	})
	p.pick(0)
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.Until(`document.querySelectorAll('#pieces [data-phase=queued]').length === 2 && document.querySelectorAll('#pieces [data-phase=sending]').length === 3`)
	p.Do(chromedp.Click(chromedp.CSS("#stop-all")))
	p.Until(`document.querySelector('#count').textContent === '3 new, 2 stopped'`)
	close(release)
	p.Until(`document.activeElement.id === 'paint' && document.querySelector('#stop-all').hidden`)
}

// A picture dropped on the page is added to the list; a removed one disappears.
func testRemove(t *testing.T, b *browser) {
	p := b.open(t, newSite(t, "").url)
	p.add(file(t, "a.jpg", gradient(t, 30, 20, 0)))
	p.add(file(t, "b.jpg", gradient(t, 20, 30, 0)))
	p.Until(`document.querySelector('#receipt').textContent.startsWith('b.jpg')`)
	p.Do(chromedp.Click(chromedp.CSS("#remove")))
	p.untilStrip("New")
	p.Until(`document.querySelector('#receipt').textContent.startsWith('a.jpg') && document.activeElement.name === 'piece'`)
	p.Do(chromedp.Click(chromedp.CSS("#remove")))
	p.untilPhase("empty")
}

package api_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
)

// newKeySite is a site that requires keys, with anna's key and a function that replaces it.
func newKeySite(t *testing.T) (s *site, key string, replace func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	replace = func() string {
		key, line := keyring.New(keyring.Holder{Owner: "anna", Scopes: []keyring.Scope{keyring.Submit, keyring.Read}})
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		return key
	}
	key = replace()
	ring, err := keyring.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return newSite(t, "", func(c *api.Config) {
		c.Keys = ring
		c.MaxWait = time.Second // a waiting request notices a replaced key after this time
	}), key, replace
}

func (p *tab) enterKey(key string) {
	p.Helper()
	p.Until(`document.querySelector('#key').checkVisibility()`)
	p.Eval(`document.querySelector('#key-text').value = ''`)
	p.Do(chromedp.SendKeys(chromedp.CSS("#key-text"), key+"\r"))
}

func testKey(t *testing.T, b *browser) {
	site, key, replace := newKeySite(t)
	p := b.open(t, site.url)
	p.ExpectFailures()
	p.Until(`document.querySelector('#tiles input')`)
	if p.Is(`document.querySelector('[name=public]').checked`) {
		t.Error("with keys pictures are shown to all by default")
	}
	p.choose(photo(t, 64, 64))
	p.untilPhase("chosen")
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
	p.Until(`document.activeElement.id === 'key-text'`)
	p.enterKey("two words")
	p.Until(`document.querySelector('#key-note').textContent.startsWith('That is not a key')`)
	p.enterKey("atelier_ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	p.Until(`document.querySelector('#key-note').textContent.startsWith('This is not a valid API key of this server')`)
	p.Do(chromedp.Click(chromedp.CSS("#key-keep")))
	p.enterKey(key)
	p.Until(`!document.querySelector('#key').checkVisibility() && document.querySelector('#forget').checkVisibility()`)

	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	lease := site.claim(t)
	if lease.Spec.Owner != "anna" || lease.Spec.Public {
		t.Errorf("the job: got owner %q, public %t; want anna's, private", lease.Spec.Owner, lease.Spec.Public)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")
	for _, id := range []string{"before", "after"} {
		if got := p.Str(`document.querySelector('#` + id + `').src`); !strings.HasPrefix(got, "blob:") {
			t.Errorf("%s: got %s, want what was fetched with the key", id, got)
		}
	}
	if got, want := p.Str(`document.querySelector('#download').download`), "atelier-"+string(lease.Spec.ID)+".jpeg"; got != want {
		t.Errorf("download: got the name %q, want %q", got, want)
	}

	p.Do(chromedp.Reload())
	p.untilPhase("succeeded")
	p.Until(`document.querySelector('#pieces img').naturalWidth === 96`)

	// What was fetched is let go of: going to and fro holds no more and no more.
	p.submit(photo(t, 64, 64))
	p.Eval(`{
		window.live = 0
		const [make, drop] = [URL.createObjectURL, URL.revokeObjectURL]
		URL.createObjectURL = (o) => (live++, make.call(URL, o))
		URL.revokeObjectURL = (u) => (live--, drop.call(URL, u))
	}`)
	for range 3 {
		p.look(1)
		p.untilPhase("succeeded")
		p.look(2)
		p.untilPhase("queued")
	}
	if got := p.Num(`live`); got > 0 {
		t.Errorf("pictures that are held and not on show: %v", got)
	}

	// A key that is taken back is asked for again, and what was going on goes on.
	other := replace()
	p.Until(`document.querySelector('#key').checkVisibility() && document.querySelector('#key-note').textContent.startsWith('This key is not valid')`)
	p.enterKey(other)
	succeed(t, site.claim(t))
	p.untilPhase("succeeded")

	if _, err := chromedp.Run(p.Ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(chromedp.CSS("#forget")))); err != nil {
		t.Fatal(err)
	}
	p.Until(`document.querySelector('#key').checkVisibility() && !document.querySelector('#pieces label') && document.body.dataset.phase === 'empty'`)
	if got := p.Num(`Object.keys(localStorage).length + Object.keys(sessionStorage).length`); got != 0 {
		t.Errorf("kept after the key was forgotten: %v things", got)
	}
}

// Without "remember", a key is forgotten after the visit; on a site without keys there is no trace
// of keys.
func testKeyOfAVisit(t *testing.T, b *browser) {
	site, key, _ := newKeySite(t)
	p := b.open(t, site.url)
	p.emulatePhone()
	p.Until(`document.querySelector('#key').checkVisibility()`)
	p.fits("the key")
	p.enterKey(key)
	p.Until(`document.querySelector('#forget').checkVisibility()`)
	if got := p.Num(`Object.keys(localStorage).length`); got != 0 {
		t.Errorf("kept beyond the visit: %v things", got)
	}
	p.Do(chromedp.Reload())
	p.Until(`document.querySelector('#forget').checkVisibility()`)

	p = b.open(t, newSite(t, "").url)
	p.Until(`document.querySelector('#tiles input')`)
	if p.Is(`document.querySelector('#key').checkVisibility() || document.querySelector('#forget').checkVisibility()`) {
		t.Error("a server without keys asks for one")
	}
}

// Pictures that need a key are fetched only when they become visible: the results of private jobs
// have no thumbnails, and a list may have a hundred.
func testFarPieces(t *testing.T, b *browser) {
	site, key, _ := newKeySite(t)
	var remembered []string
	for range 40 {
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		spec := &job.Spec{ID: id, Owner: "anna", Style: "night-swirls", Strength: 1, Format: "jpeg", Quality: 90, CreatedAt: time.Now()}
		if err := site.store.Create(spec, gradient(t, 40, 30, 9), nil); err != nil {
			t.Fatal(err)
		}
		lease, err := site.store.Claim(t.Context(), spec.ID, 1, "test")
		if err == nil {
			err = lease.StorePreview(gradient(t, 40, 30, 9))
		}
		if err != nil {
			t.Fatal(err)
		}
		succeed(t, lease)
		remembered = append(remembered, `{"id":"`+string(spec.ID)+`"}`)
	}
	var fetched atomic.Int64
	site.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/result") {
			fetched.Add(1)
		}
		return false
	})
	p := b.open(t, site.url)
	p.emulatePhone()
	p.enterKey(key)
	p.Until(`document.querySelector('#forget').checkVisibility()`)
	p.Eval(`localStorage.setItem('atelier / jobs', '[` + strings.Join(remembered, ",") + `]')`)
	p.Do(chromedp.Reload())
	p.Until(`document.querySelectorAll('#pieces [data-phase=succeeded]').length === 40 && document.querySelector('#pieces img').naturalWidth`)
	p.Eval(`document.querySelector('#pieces label:last-of-type').scrollIntoView()`)
	p.Until(`[...document.querySelectorAll('#pieces img')].at(-1).naturalWidth`)
	if n := fetched.Load(); n > 30 {
		t.Errorf("%d of 40 pictures were fetched", n)
	}
}

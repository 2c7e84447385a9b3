package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/atelier-go/atelier/pkg/job"
)

func testKeyboard(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.Until(`document.querySelector('#tiles input')`)

	p.TabTo("#file")
	picture := photo(t, 64, 64)
	if _, err := chromedp.Call(p.Ctx, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.Ctx, pageTimeout)
	defer cancel()
	chooser, err := chromedp.Run(ctx, chromedp.WaitEvent(page.FileChooserOpened, nil, chromedp.KeyEvent(" ")))
	if err != nil {
		t.Fatalf("the space bar on the file input opens no dialog: %v", err)
	}
	if _, err := chromedp.Call(p.Ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{picture}, BackendNodeID: chooser.BackendNodeID}); err != nil {
		t.Fatal(err)
	}
	p.untilPhase("chosen")

	p.TabTo("#tiles input")
	p.Keys(kb.ArrowRight)
	p.TabTo("#strength")
	p.Keys(kb.ArrowLeft)
	p.TabTo("summary")
	p.Keys(kb.Enter)
	p.TabTo("[name=size]")
	p.Keys(kb.ArrowLeft)
	p.TabTo("#paint")
	p.Keys(kb.Enter)
	lease := site.claim(t)
	if s := lease.Spec; s.Strength != 0.95 || s.Size != 512 || s.Style == "" {
		t.Errorf("the job: got style %q, strength %v, size %d; want any, 0.95, 512", s.Style, s.Strength, s.Size)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")
	if !p.Is(`document.activeElement.id === 'paint'`) {
		t.Error("the keyboard's focus got lost between submitting and the result")
	}
	p.TabTo("#compare")
	p.Keys(kb.Home)
	p.Until(`getComputedStyle(document.querySelector('#frame')).getPropertyValue('--at') === '0'`)
	p.Keys(kb.ArrowRight)
	p.Until(`document.querySelector('#compare').getAttribute('aria-valuetext') === '1% photograph, 99% painted'`)
	p.TabTo("#download")

	// Once more, back to the first, and away with it.
	p.TabTo("#paint")
	p.Keys(kb.Enter)
	succeed(t, site.claim(t))
	p.untilStrip("Painted", "Painted")
	p.TabTo("[name=piece]")
	p.Keys(kb.ArrowLeft)
	p.Until(`location.hash === '#job=` + string(lease.Spec.ID) + `'`)
	p.untilPhase("succeeded")
	p.TabTo("#erase")
	p.Keys(kb.Enter)
	p.Until(`document.activeElement.value === 'no'`)
	p.Keys(kb.Tab)
	p.Keys(kb.Enter)
	p.untilStrip("Painted")
	p.Until(`document.activeElement.name === 'piece'`)
}

// emulatePhone makes the tab a small phone.
func (p *tab) emulatePhone() {
	p.Helper()
	p.Do(chromedp.EmulateViewport(360, 640, chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// fits checks that the page fits on a phone and its controls are large enough for a finger.
func (p *tab) fits(what string) {
	p.Helper()
	if wide := p.Num(`document.documentElement.scrollWidth`); wide > 360 {
		p.Errorf("%s: the page is %v pixels wide, want 360 at most", what, wide)
	}
	// Labels are the targets of inputs that are not seen.
	small := p.Str(`[...document.querySelectorAll('button, a, summary, label, input:not(.unseen, [type=radio], [type=checkbox])')]
		.filter((e) => e.checkVisibility() && !e.closest('.field label') && e.getBoundingClientRect().height < 44)
		.map((e) => e.outerHTML).join('\n')`)
	if small != "" {
		p.Errorf("%s: lower than 44 pixels:\n%s", what, small)
	}
	if !p.Is(`document.querySelector('#paint').getBoundingClientRect().bottom <= innerHeight`) {
		p.Errorf("%s: the button to paint is out of reach", what)
	}
}

func testPhone(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.emulatePhone()
	check := func(phase string) {
		t.Helper()
		p.untilPhase(phase)
		p.fits(phase)
	}
	p.Until(`document.querySelector('#tiles input')`)
	check("empty")
	p.Do(chromedp.Click(chromedp.CSS("summary")))
	p.choose(photo(t, 800, 200))
	check("chosen")
	p.Do(chromedp.Click(chromedp.CSS("#remove")))
	p.submit(photo(t, 200, 800))
	check("queued")
	lease := site.claim(t)
	check("running")
	succeed(t, lease)
	check("succeeded")
	p.submit(photo(t, 64, 64))
	if err := site.claim(t).Fail(job.Failure{Code: "internal", Message: strings.Repeat("unbreakable", 20)}); err != nil {
		t.Fatal(err)
	}
	check("failed")
	p.add(photos(t, 4)...)
	check("chosen")
	p.Eval(`document.querySelector('#blend').click()`)
	p.pick(1)
	p.pick(2)
	p.fits("a blend")
	p.Eval(`document.querySelector('#blend').click()`)
	p.Do(chromedp.SetUploadFiles(chromedp.CSS("#own-file"), photos(t, 1)))
	p.Until(`document.querySelector('#own-choice').checkVisibility()`)
	p.fits("an own style")
	p.Eval(`document.querySelector('#clear').click()`)
	p.fits("a question")
}

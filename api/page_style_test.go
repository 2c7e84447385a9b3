package api_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func testOwnStyle(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.Until(`document.querySelector('#tiles input')`)
	own := file(t, "tiles.jpg", gradient(t, 80, 80, 30))
	p.Do(chromedp.SetUploadFiles(chromedp.CSS("#own-file"), []string{own}))
	p.Until(`document.querySelector('#own-choice').checkVisibility() && document.querySelector('#own-choice').textContent === 'tiles.jpg'`)
	p.choose(photo(t, 64, 64))
	p.untilPhase("chosen")
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	lease := site.claim(t)
	_, picture, err := site.store.Pictures(&lease.Spec)
	want, _ := os.ReadFile(own)
	if err != nil || lease.Spec.Style != job.CustomStyle || !bytes.Equal(picture, want) {
		t.Errorf("the job: got style %q, a style picture of %d bytes, %v; want custom and what was chosen", lease.Spec.Style, len(picture), err)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")
	p.Until(`document.querySelector('#receipt').textContent.startsWith('Own')`)

	// Others in its place, pasted and dropped; then none, and a style of the server's.
	for _, event := range []string{"paste", "drop"} {
		p.Eval(`{
			const canvas = Object.assign(document.createElement('canvas'), {width: 40, height: 30})
			const data = new DataTransfer()
			data.items.add(new File([await new Promise((resolve) => canvas.toBlob(resolve))], '` + event + `.png', {type: 'image/png'}))
			document.querySelector('#own-file').focus()
			const init = {bubbles: true, cancelable: true, clipboardData: data, dataTransfer: data}
			document.querySelector('#own-choice').dispatchEvent('` + event + `' === 'paste' ? new ClipboardEvent('paste', init) : new DragEvent('drop', init))
		}`)
		p.Until(`document.querySelector('#own-choice').textContent === '` + event + `.png' && document.querySelector('#own-choice input').checked`)
		p.Until(`document.querySelector('#paint').classList.contains('primary')`)
	}
	p.untilStrip("Painted")
	p.Do(chromedp.Click(chromedp.CSS("#own-remove")))
	p.Until(`!document.querySelector('#own-choice').checkVisibility()`)
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.Until(`document.querySelector('#styles-note').textContent === 'Choose a style first.'`)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
	if got := site.claim(t).Spec.Style; got != style.Names()[0] {
		t.Errorf("style: got %q, want %q", got, style.Names()[0])
	}
	p.Do(chromedp.SetUploadFiles(chromedp.CSS("#own-file"), []string{file(t, "notes.txt", []byte("x"))}))
	p.untilNotice("“notes.txt” is not a JPEG")
}

func testBlend(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.choose(photo(t, 64, 64))
	p.Until(`document.querySelector('#tiles input')`)
	names := style.Names()
	p.Do(chromedp.Click(chromedp.CSS("#tiles label:nth-child(1)")))
	p.TabTo("#tiles input") // from here on only with the keyboard
	p.Eval(`document.querySelector('#blend').focus()`)
	p.Keys(" ")
	p.Until(`document.querySelector('#styles-note').textContent === 'Choose up to 4 styles to blend.'`)
	p.TabTo(`#tiles [value="` + names[1] + `"]`)
	p.Keys(" ")
	p.Until(`document.querySelectorAll('#shares input').length === 2`)
	p.TabTo("#shares input")
	for range 20 {
		p.Keys(kb.ArrowRight)
	}
	p.Until(`[...document.querySelectorAll('#shares output')].map((o) => o.value).join() === '70%,30%'`)
	p.Until(`document.querySelector('#tiles label').dataset.share === '70%'`)
	p.TabTo("#paint")
	p.Keys(kb.Enter)
	lease := site.claim(t)
	if want := names[0] + ":0.7," + names[1] + ":0.3"; lease.Spec.Style != want {
		t.Errorf("style: got %q, want %q", lease.Spec.Style, want)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")
	p.Until(`document.querySelector('#receipt').textContent.includes('70%\u00a0+')`)

	// Shares always make 100, whatever is taken in and out; four at most.
	total := `[...document.querySelectorAll('#shares output')].reduce((sum, o) => sum + parseInt(o.value), 0)`
	for _, n := range []int{2, 3, 0, 4} {
		p.pick(n)
		if got := p.Num(total); got != 100 {
			t.Errorf("after a change of the style %d the shares make %v", n, got)
		}
	}
	p.Eval(`document.querySelector('#shares input').value = 97; document.querySelector('#shares input').dispatchEvent(new Event('input', {bubbles: true}))`)
	if got := p.Str(`[...document.querySelectorAll('#shares output')].map((o) => o.value).join()`); got != "97%,1%,1%,1%" {
		t.Errorf("shares: got %s, want 97%% and the least for the others", got)
	}
	p.pick(5)
	if got := p.Str(`document.querySelector('#styles-note').textContent`); !strings.HasPrefix(got, "A blend has at most 4 styles") || p.Num(`document.querySelectorAll('#tiles :checked').length`) != 4 {
		t.Errorf("a fifth style: the page says %q", got)
	}

	// A reload finds the blend, and one style can be chosen again.
	p.Do(chromedp.Reload())
	p.Until(`[...document.querySelectorAll('#shares output')].map((o) => o.value).join() === '70%,30%'`)
	p.Do(chromedp.Click(chromedp.CSS("#blend-switch")))
	if got := p.Str(`new FormData(document.querySelector('#form')).getAll('style').join()`); got != names[0] {
		t.Errorf("without blending: got %q, want the heaviest, %q", got, names[0])
	}
}

func testPublic(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	for _, public := range []bool{true, false} {
		p.submit(photo(t, 64, 64))
		lease := site.claim(t)
		if lease.Spec.Public != public {
			t.Errorf("public: got %t, want %t", lease.Spec.Public, public)
		}
		succeed(t, lease)
		p.untilPhase("succeeded")
		if public {
			p.Do(chromedp.Click(chromedp.CSS("summary")), chromedp.Click(chromedp.CSS("[name=public]")))
			p.Until(`document.querySelector('#more-now').textContent.endsWith('private')`)
		}
	}
}

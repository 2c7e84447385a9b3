package api_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

func testRefusedHere(t *testing.T, b *browser) {
	p := b.open(t, newSite(t, "").url)
	p.choose(file(t, "notes.txt", []byte("no picture")))
	p.untilNotice("“notes.txt” is not a JPEG, PNG, WebP or GIF")
	p.choose(file(t, "fake.png", []byte("no picture")))
	p.untilNotice("“fake.png” can’t be opened as a picture")
	p.choose(file(t, "large.jpg", make([]byte, 20<<20+1)))
	p.untilNotice("“large.jpg” has 20.0 MiB; at most 20 MiB")
	p.choose(photo(t, 64, 64))
	p.untilPhase("chosen")
	p.Until(`document.querySelector('#notice').hidden`)
}

func testRefusedThere(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	// A browser shows the half that is there of a JPEG cut short; the server
	// refuses it.
	whole, err := os.ReadFile(photo(t, 400, 400))
	if err != nil {
		t.Fatal(err)
	}
	p.choose(file(t, "cut.jpg", whole[:len(whole)/2]))
	p.Until(`document.body.dataset.phase === 'chosen' || !document.querySelector('#notice').hidden`)
	if p.Is(`document.body.dataset.phase === 'chosen'`) {
		p.Do(chromedp.Click(chromedp.CSS(`#tiles label`)), chromedp.Click(chromedp.CSS("#paint")))
		p.untilNotice("damaged")
		p.untilPhase("chosen")
	}
	site.answer("/v1/jobs", http.StatusUnprocessableEntity, `{"status":422,"code":"invalid_field","detail":"size: must be odd"}`)
	p.submit(photo(t, 64, 64))
	p.untilNotice("Size: must be odd.")
	p.untilPhase("chosen")
}

func testFormatsOnPage(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	for name, data := range map[string][]byte{"photo.webp": webpPicture(t), "photo.gif": gifPicture(t)} {
		p.choose(file(t, name, data))
		p.untilPhase("chosen")
		p.Until(`document.querySelector('#before').naturalWidth === 60`)
		p.Eval(`{ document.querySelector('#before').removeAttribute('src'); document.querySelector('details').open = true }`)
	}
	p.Do(chromedp.Click(chromedp.CSS(`#tiles label`)), chromedp.Click(chromedp.CSS(`[name=format][value="webp"]`)))
	p.Until(`document.querySelector('#more-now').textContent.includes('WebP')`)
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilPhase("queued")
	if got := site.claim(t).Spec.Format; got != "webp" {
		t.Errorf("the job's format: got %q, want webp", got)
	}
}

func testPaste(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	for event, carrier := range map[string]string{"paste": "clipboardData", "drop": "dataTransfer"} {
		p.Eval(`{
			const canvas = Object.assign(document.createElement('canvas'), {width: 40, height: 30})
			const blob = await new Promise((resolve) => canvas.toBlob(resolve))
			const data = new DataTransfer()
			data.items.add(new File([blob], '` + event + `.png', {type: 'image/png'}))
			document.querySelector('#before').removeAttribute('src')
			const init = {bubbles: true, cancelable: true, ` + carrier + `: data}
			document.querySelector('main').dispatchEvent('` + event + `' === 'paste' ? new ClipboardEvent('paste', init) : new DragEvent('drop', init))
		}`)
		p.Until(`document.querySelector('#before').naturalWidth === 40`)
		p.untilPhase("chosen")
	}
}

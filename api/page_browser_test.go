package api_test

import (
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api/browsertest"
)

// pageTimeout is the time limit of each wait for the page.
const pageTimeout = browsertest.Timeout

// A browser opens the page.
type browser struct{ *browsertest.Browser }

// A tab shows the page.
type tab struct{ *browsertest.Tab }

func (b *browser) open(t *testing.T, url string) *tab {
	t.Helper()
	return &tab{b.Open(t, url)}
}

func (p *tab) untilPhase(phase string) {
	p.Helper()
	p.Until(`document.body.dataset.phase === '` + phase + `'`)
}

func (p *tab) untilNotice(text string) {
	p.Helper()
	p.Until(`document.querySelector('#notice').checkVisibility() && document.querySelector('#notice').textContent.includes("` + text + `")`)
}

func (p *tab) choose(paths ...string) {
	p.Helper()
	p.Do(chromedp.SetUploadFiles(chromedp.CSS("#file"), paths))
}

// add chooses pictures and waits until they are in the list.
func (p *tab) add(paths ...string) {
	p.Helper()
	const listed = `document.querySelectorAll('#pieces label').length`
	want := int(p.Num(listed)) + len(paths)
	p.choose(paths...)
	p.Until(listed + ` === ` + strconv.Itoa(want))
}

// submit adds a picture and paints the new ones in the first style.
func (p *tab) submit(path string) {
	p.Helper()
	p.add(path)
	p.Until(`document.querySelector('#tiles input')`)
	p.Do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
}

package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/job"
)

// The page, with the API and the worker as functions: two photographs are painted in a blend of
// styles, and one of them again in the style of a picture; one is erased.
func TestUsePageFunctions(t *testing.T) {
	d := start(t, "lambda")
	p := browsertest.Start(t).Open(t, d.Base+"/")
	sample := func(name string) string { return filepath.Join(os.Getenv("ATELIER_SAMPLES"), name) }
	choose := func(input string, paths ...string) {
		t.Helper()
		p.Do(chromedp.SetUploadFiles(chromedp.CSS(input), paths))
	}
	click := func(selectors ...string) {
		t.Helper()
		for _, s := range selectors {
			p.Do(chromedp.Click(chromedp.CSS(s)))
		}
	}
	untilStrip := func(captions string) {
		t.Helper()
		p.Until(`[...document.querySelectorAll('#pieces span')].map((s) => s.textContent).join() === '` + captions + `'`)
	}

	p.Until(`document.querySelector('#tiles input')`)
	choose("#file", sample("astronaut.png"), sample("chelsea.png"))
	untilStrip("New,New")
	click("#tiles label:nth-child(1)", "#blend-switch", "#tiles label:nth-child(2)", "#paint")
	untilStrip("Painted,Painted")
	p.Until(`document.body.dataset.phase === 'succeeded' && document.querySelector('#after').naturalWidth === 512`)

	click("#blend-switch")
	choose("#own-file", sample("hubble_deep_field.jpg"))
	p.Until(`document.querySelector('#own-choice input').checked`)
	click("#paint")
	untilStrip("Painted,Painted,Painted")
	p.Until(`document.body.dataset.phase === 'succeeded' && document.querySelector('#after').alt.endsWith('Own style')`)

	id := job.ID(p.Str(`location.hash.slice('#job='.length)`))
	if j := d.painted(id); j.Style != job.CustomStyle || j.Receipt == nil || j.Receipt.Worker != "lambda" {
		t.Errorf("%+v, %+v", j, j.Receipt)
	}
	click("#erase", "#ask-yes")
	untilStrip("Painted,Painted")
	d.Refused(d.Ask("GET", "/v1/jobs/"+string(id), nil), 410, "gone")
	p.Do(chromedp.Reload())
	untilStrip("Painted,Painted")
	// The browser reports pictures that are cut off by the end of the stack.
	p.Until(`[...document.querySelectorAll('#pieces img')].every((i) => i.src && i.complete)`)
	p.Until(`document.body.dataset.phase === 'succeeded'`)
	d.end(os.Interrupt)
}

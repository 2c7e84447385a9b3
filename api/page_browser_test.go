package api_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A browser is a running Chromium.
type browser struct{ ctx context.Context }

// startBrowser starts a headless Chromium that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser: left out with -short")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		const hint = "no Chromium here: apt-get install chromium (or brew install --cask chromium)"
		if os.Getenv("CI") != "" {
			t.Fatal(hint)
		}
		t.Skip(hint)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800),
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to be sandboxed for root
	}
	ctx, _ := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...) // the cleanup ends it
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		limited, cancel := context.WithTimeout(ctx, pageTimeout)
		defer cancel()
		if err := chromedp.Cancel(limited); err != nil {
			t.Errorf("end the browser: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &browser{ctx}
}

// A tab is a page in a profile of its own. At the test's end it complains of
// everything that the browser complained of.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	failures   bool // answers with an error status are part of the test
}

func (b *browser) open(t *testing.T, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			p.screenshot()
		}
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range p.complaints {
			t.Errorf("the browser complains: %s", c)
		}
	})
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))
	return p
}

// hear notes errors in scripts, refusals by the content security policy and
// failed requests.
func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, fmt.Sprintf("%s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		p.complaints = append(p.complaints, fmt.Sprintf("console.%s was called", e.Type))
	case *log.EventEntryAdded:
		if !p.failures || e.Entry.Source != log.EntrySourceNetwork {
			p.complaints = append(p.complaints, fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	}
}

// expectFailures lets failed requests pass, which a browser always logs.
func (p *tab) expectFailures() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = true
	p.complaints = slices.DeleteFunc(p.complaints, func(c string) bool { return strings.HasPrefix(c, "network ") })
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// value evaluates a JavaScript expression, which may await.
func value[T any](p *tab, js string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T]("(async () => ("+js+"))()", chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

func (p *tab) str(js string) string  { p.t.Helper(); return value[string](p, js) }
func (p *tab) num(js string) float64 { p.t.Helper(); return value[float64](p, js) }
func (p *tab) is(js string) bool     { p.t.Helper(); return value[bool](p, "Boolean("+js+")") }

// eval runs statements.
func (p *tab) eval(js string) {
	p.t.Helper()
	value[bool](p, "await (async () => {"+js+"})(), true")
}

// until waits for a condition in the page.
func (p *tab) until(js string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool]("Boolean("+js+")", chromedp.WithPollingTimeout(pageTimeout))); err != nil {
		p.t.Fatalf("wait for %s: %v; the page is in phase %s and says %q", js, err,
			p.str("document.body.dataset.phase"), p.str("document.querySelector('#notice').textContent"))
	}
}

func (p *tab) untilPhase(phase string) {
	p.t.Helper()
	p.until(`document.body.dataset.phase === '` + phase + `'`)
}

func (p *tab) untilNotice(text string) {
	p.t.Helper()
	p.until(`document.querySelector('#notice').checkVisibility() && document.querySelector('#notice').textContent.includes("` + text + `")`)
}

func (p *tab) choose(paths ...string) {
	p.t.Helper()
	p.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), paths))
}

// add chooses pictures and waits until they are in the list.
func (p *tab) add(paths ...string) {
	p.t.Helper()
	const listed = `document.querySelectorAll('#pieces label').length`
	want := int(p.num(listed)) + len(paths)
	p.choose(paths...)
	p.until(listed + ` === ` + strconv.Itoa(want))
}

// submit adds a picture and paints what is new in the first style.
func (p *tab) submit(path string) {
	p.t.Helper()
	p.add(path)
	p.until(`document.querySelector('#tiles input')`)
	p.do(chromedp.Click(chromedp.CSS("#tiles label")), chromedp.Click(chromedp.CSS("#paint")))
}

func (p *tab) keys(keys string) { p.t.Helper(); p.do(chromedp.KeyEvent(keys)) }

// tabTo presses the tab key until the focus is there.
func (p *tab) tabTo(selector string) {
	p.t.Helper()
	for range 40 {
		p.keys(kb.Tab)
		if p.is(`document.activeElement.matches('` + selector + `')`) {
			return
		}
	}
	p.t.Fatalf("the tab key does not lead to %s", selector)
}

// screenshot leaves a picture of a failed test where the test says.
func (p *tab) screenshot() {
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		path := filepath.Join(os.TempDir(), "atelier-"+strings.NewReplacer("/", "-", " ", "-").Replace(p.t.Name())+".png")
		err = os.WriteFile(path, b, 0o600)
		p.t.Logf("what it looked like: %s", path)
	}
	if err != nil {
		p.t.Logf("no screenshot: %v", err)
	}
}

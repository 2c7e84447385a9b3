// Package browsertest runs pages in a headless Chromium, for tests.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Timeout is the time limit of each wait for a page. It is generous, because other tests may run at
// the same time.
const Timeout = 30 * time.Second

// A Browser is a running Chromium.
type Browser struct{ ctx context.Context }

// Start starts a headless Chromium that ends with the test. It skips the test if there is no
// Chromium, and with -short.
func Start(t *testing.T) *Browser {
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
		limited, cancel := context.WithTimeout(ctx, Timeout)
		defer cancel()
		if err := chromedp.Cancel(limited); err != nil {
			t.Errorf("end the browser: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// A Tab is a page with a browser profile of its own. Errors that the browser logged fail the test
// when it ends.
type Tab struct {
	*testing.T
	Ctx context.Context // for chromedp, without a limit in time

	mu         sync.Mutex
	complaints []string
	failures   bool // answers with an error status are part of the test
}

// Open opens an address in a new tab.
func (b *Browser) Open(t *testing.T, url string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &Tab{T: t, Ctx: ctx}
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
	p.Do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))
	return p
}

// hear records errors of scripts, violations of the content security policy, and failed requests.
func (p *Tab) hear(event any) {
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

// ExpectFailures makes failed requests, which a browser always logs, no failure of the test.
func (p *Tab) ExpectFailures() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = true
	p.complaints = slices.DeleteFunc(p.complaints, func(c string) bool { return strings.HasPrefix(c, "network ") })
}

// Do performs actions on the page.
func (p *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Ctx, Timeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// Value returns the value of a JavaScript expression, which may use await.
func Value[T any](p *Tab, js string) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Ctx, Timeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T]("(async () => ("+js+"))()", chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", js, err)
	}
	return v
}

// Str returns the value of an expression that is a string.
func (p *Tab) Str(js string) string { p.Helper(); return Value[string](p, js) }

// Num returns the value of an expression that is a number.
func (p *Tab) Num(js string) float64 { p.Helper(); return Value[float64](p, js) }

// Is reports whether a JavaScript expression is true in the sense of JavaScript.
func (p *Tab) Is(js string) bool { p.Helper(); return Value[bool](p, "Boolean("+js+")") }

// Eval runs statements.
func (p *Tab) Eval(js string) {
	p.Helper()
	Value[bool](p, "await (async () => {"+js+"})(), true")
}

// Until waits until a JavaScript expression is true.
func (p *Tab) Until(js string) {
	p.Helper()
	if _, err := chromedp.Run(p.Ctx, chromedp.Poll[bool]("Boolean("+js+")", chromedp.WithPollingTimeout(Timeout))); err != nil {
		p.Fatalf("wait for %s: %v; the page says %q", js, err, p.Str("document.body.innerText.slice(0, 1000)"))
	}
}

// Keys presses keys.
func (p *Tab) Keys(keys string) { p.Helper(); p.Do(chromedp.KeyEvent(keys)) }

// TabTo presses the tab key until the element has the focus.
func (p *Tab) TabTo(selector string) {
	p.Helper()
	for range 40 {
		p.Keys(kb.Tab)
		if p.Is(`document.activeElement.matches('` + selector + `')`) {
			return
		}
	}
	p.Fatalf("the tab key does not lead to %s", selector)
}

// screenshot saves a picture of the page in the folder for temporary files and logs its path.
func (p *Tab) screenshot() {
	ctx, cancel := context.WithTimeout(p.Ctx, Timeout)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		path := filepath.Join(os.TempDir(), "atelier-"+strings.NewReplacer("/", "-", " ", "-").Replace(p.Name())+".png")
		err = os.WriteFile(path, b, 0o600)
		p.Logf("screenshot: %s", path)
	}
	if err != nil {
		p.Logf("no screenshot: %v", err)
	}
}

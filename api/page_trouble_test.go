package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func testAway(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	p.submit(photo(t, 64, 64))
	lease := site.claim(t)
	p.untilPhase("running")
	site.vanish()
	p.untilNotice("The server can’t be reached. The job is safe; trying again…")
	site.answer("/v1/jobs", http.StatusServiceUnavailable, `{"status":503,"code":"unavailable","detail":"the disk is away"}`)
	p.untilNotice("The disk is away. The job is safe; trying again…")
	if got := p.Str("document.body.dataset.phase"); got != "running" {
		t.Errorf("while the server is away: got phase %s, want running", got)
	}
	succeed(t, lease)
	site.recover()
	p.untilPhase("succeeded")
	p.Until(`document.querySelector('#notice').hidden`)
}

func testUnavailable(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	site.queue.down.Store(true)
	p.submit(photo(t, 64, 64))
	p.untilNotice("Trying again…")
	p.untilPhase("waiting")
	if got := p.Str(`document.querySelector('#notice').textContent`); !strings.HasPrefix(got, "The service can't accept jobs at the moment; sending the same request again is safe") {
		t.Errorf("notice: got %q, want the problem's detail", got)
	}
	made, err := site.store.Active()
	if err != nil || len(made) != 1 {
		t.Fatalf("stored: %v, %v", made, err)
	}
	backdate(t, site.store.Dir(), made[0].ID) // as if it had been away for longer
	site.queue.down.Store(false)
	p.Eval(`dispatchEvent(new Event('online'))`) // rather than wait for what Retry-After says
	lease := site.claim(t)
	if lease.Spec.ID != made[0].ID {
		t.Errorf("sent again: got the job %s, want %s, which is stored already", lease.Spec.ID, made[0].ID)
	}
	succeed(t, lease)
	p.untilPhase("succeeded")

	site.vanish()
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	p.untilNotice("The server can’t be reached. Trying again…")
	p.Do(chromedp.Click(chromedp.CSS("#stop")))
	p.untilPhase("chosen")
	p.Until(`document.querySelector('#notice').hidden`)
}

func testStop(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	site.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done() // the page has hung up
			panic(http.ErrAbortHandler)
		}
		return false
	})
	p.submit(photo(t, 64, 64))
	p.untilPhase("sending")
	p.Until(`document.querySelector('#clock').textContent === '100%'`)
	p.Do(chromedp.Click(chromedp.CSS("#stop")))
	p.untilPhase("chosen")
	site.recover()
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	succeed(t, site.claim(t))
	p.untilPhase("succeeded")
}

func testStopJob(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	for _, phase := range []string{"queued", "running"} {
		p.submit(photo(t, 64, 64))
		p.untilPhase("queued")
		if phase == "running" {
			site.claim(t)
			p.untilPhase(phase)
		}
		p.Until(`location.hash.startsWith('#job=')`)
		id := job.ID(strings.TrimPrefix(p.Str(`location.hash`), "#job="))
		p.Do(chromedp.Click(chromedp.CSS("#stop")))
		p.untilPhase("failed")
		if got := p.Str(`document.querySelector('#status').textContent`); got != "Stopped before it was painted" {
			t.Errorf("%s and stopped: the page says %q", phase, got)
		}
		p.Until(`document.activeElement.id === 'paint' && document.querySelector('#stop').hidden`)
		if j, err := site.store.Job(id); err != nil || j.State != job.Canceled {
			t.Errorf("%s and stopped: the job is %s, %v", phase, j.State, err)
		}
		if phase == "queued" {
			<-site.queue.messages // a worker finds that it is over
		}
	}
	p.Do(chromedp.Click(chromedp.CSS("#paint")))
	succeed(t, site.claim(t))
	p.untilPhase("succeeded")
}

func testErased(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	p.submit(photo(t, 64, 64))
	lease := site.claim(t)
	p.untilPhase("running")
	if err := site.store.Erase(lease.Spec.ID, store.Erased); err != nil {
		t.Fatal(err)
	}
	p.untilNotice("The job was erased or has expired.")
	p.untilPhase("chosen")
}

// The picture of a job from a link is its preview; if that is unavailable, stopping loses nothing.
func testPreviewAway(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.submit(photo(t, 64, 64))
	lease := site.claim(t)
	if err := lease.Fail(job.Failure{Code: "internal", Message: "the paint ran out"}); err != nil {
		t.Fatal(err)
	}
	p.untilPhase("failed")

	site.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/preview") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	q := b.open(t, p.Str("location.href"))
	q.ExpectFailures()
	q.untilNotice("The paint ran out")
	q.Do(chromedp.Click(chromedp.CSS("#tiles label:last-child")), chromedp.Click(chromedp.CSS("#paint")))
	q.untilNotice("Trying again…")
	q.untilStrip("Failed", "Waiting")
	q.Do(chromedp.Click(chromedp.CSS("#stop")))
	q.untilStrip("Failed")
	q.untilNotice("The paint ran out")
	site.recover()
	q.Do(chromedp.Click(chromedp.CSS("#paint")))
	succeed(t, site.claim(t))
	q.untilStrip("Failed", "Painted")
}

func testOffline(t *testing.T, b *browser) {
	site := newSite(t, "")
	p := b.open(t, site.url)
	p.ExpectFailures()
	p.Until(`document.querySelector('#tiles input')`)
	offline := func(off bool) {
		t.Helper()
		if _, err := chromedp.Call(p.Ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}); err != nil {
			t.Fatal(err)
		}
	}
	offline(true)
	site.vanish()
	p.submit(photo(t, 64, 64))
	p.untilNotice("You are offline. Trying again…")
	site.recover()
	offline(false)
	lease := site.claim(t)
	p.untilPhase("running")
	succeed(t, lease)
	p.untilPhase("succeeded")
}

package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// An testBucket is a bucket for the copies, and something before S3 that counts what
// comes and can misbehave.
type testBucket struct {
	*testing.T
	copies   *gallery.Gallery
	cfg      aws.Config
	heads    atomic.Int64
	puts     atomic.Int64
	override atomic.Pointer[http.HandlerFunc] // answers instead of S3
	forward  http.HandlerFunc                 // is S3
}

func newTestBucket(t *testing.T) *testBucket {
	t.Helper()
	locked := ministacktest.StartLocked(t)
	a := &testBucket{T: t}
	proxy := ministacktest.Proxy(t, locked.Endpoint)
	a.forward = proxy.ServeHTTP
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodHead:
			a.heads.Add(1)
		case http.MethodPut:
			a.puts.Add(1)
		}
		if odd := a.override.Load(); odd != nil {
			(*odd)(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	locked.Endpoint = server.URL
	cfg, err := locked.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := bucket.Create(t.Context(), cfg, "atelier")
	if err != nil {
		t.Fatal(err)
	}
	a.copies, a.cfg = gallery.New(b), cfg
	a.puts.Store(0)
	return a
}

// setUnavailable has S3 refuse everything, or not any more. (What it answers when it is
// overloaded the SDK would try again.)
func (a *testBucket) setUnavailable(on bool) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if on {
		a.override.Store(&refuse)
	} else {
		a.override.Store(nil)
	}
}

func (a *testBucket) copy(name string, content []byte) {
	a.Helper()
	if err := a.copies.Put(a.Context(), name, bytes.NewReader(content)); err != nil {
		a.Fatal(err)
	}
}

func (a *testBucket) holds(name string) bool {
	a.Helper()
	there, err := a.copies.Has(a.Context(), name)
	if err != nil {
		a.Fatal(err)
	}
	return there
}

// ask follows no redirect.
func (s *service) ask(method, path string, header ...string) (*http.Response, []byte) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp, b
}

// open follows a link with nothing but the link.
func (s *service) open(resp *http.Response, header ...string) (*http.Response, []byte) {
	s.Helper()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Cache-Control") != "no-store" {
		s.Fatalf("no link: %s, %v", resp.Status, resp.Header)
	}
	return (&service{T: s.T}).ask(http.MethodGet, resp.Header.Get("Location"), header...)
}

func TestResultIsLinkedOnceThereIsACopy(t *testing.T) {
	a := newTestBucket(t)
	g := serveWithKeys(t, func(c *api.Config) { c.Copies = a.copies })
	for _, public := range []bool{true, false} {
		id := g.annas(job.Succeeded, field{name: "public", value: fmt.Sprint(public)})
		path, key := "/v1/jobs/"+string(id)+"/result", []string{"Authorization", "Bearer " + g.keys["right"]}
		name, painted := store.Published(id, "jpeg", public)[0], jpegPicture(t)
		if resp, body := g.ask(http.MethodGet, path, key...); resp.StatusCode != http.StatusOK || !bytes.Equal(body, painted) {
			t.Errorf("before there is a copy: %s, %d bytes", resp.Status, len(body))
		}
		a.copy(name, painted)
		for _, as := range callers { // the rules are the same, whoever answers
			resp, _ := g.request(as, "GET", path, "", nil, "If-None-Match", "*")
			link, _ := g.ask(http.MethodGet, path, "Authorization", "Bearer "+g.keys[as])
			if as == "none" {
				link, _ = g.ask(http.MethodGet, path)
			}
			if as != "keyless" && (resp.StatusCode == http.StatusNotModified) != (link.StatusCode == http.StatusSeeOther) {
				t.Errorf("%s: public %v: %s, and with a copy %s", as, public, resp.Status, link.Status)
			}
		}

		before := a.heads.Load()
		link, _ := g.ask(http.MethodGet, path, key...)
		resp, body := g.open(link)
		if resp.StatusCode != http.StatusOK || !bytes.Equal(body, painted) || resp.Header.Get("Content-Type") != "image/jpeg" ||
			resp.Header.Get("Content-Disposition") != `inline; filename="atelier-`+string(id)+`.jpg"` {
			t.Errorf("the link: %s, %v, %d bytes", resp.Status, resp.Header, len(body))
		}
		if resp, _ := g.open(first(g.ask(http.MethodGet, path+"?download=true", key...))); resp.Header.Get("Content-Disposition") != `attachment; filename="atelier-`+string(id)+`.jpg"` {
			t.Errorf("a link to download: %v", resp.Header)
		}
		if resp, body := g.open(link, "Range", "bytes=2-9"); resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, painted[2:10]) {
			t.Errorf("a range: %s, %d bytes", resp.Status, len(body))
		}
		if a.heads.Load() != before {
			t.Error("S3 was asked for what it had said a moment ago")
		}
		if resp, body := g.ask(http.MethodHead, path, key...); resp.StatusCode != http.StatusOK || resp.ContentLength != int64(len(painted)) || len(body) > 0 {
			t.Errorf("HEAD: %s, %d", resp.Status, resp.ContentLength)
		}
		etag := `"` + g.job(id).Result.SHA256 + `"`
		if resp, _ := g.ask(http.MethodGet, path, append(key, "If-None-Match", etag)...); resp.StatusCode != http.StatusNotModified {
			t.Errorf("what the client has: %s", resp.Status)
		}
		if public {
			a.copy(store.Published(id, "jpeg", public)[1], painted)
			if resp, body := g.open(first(g.ask(http.MethodGet, "/v1/jobs/"+string(id)+"/thumbnail"))); !bytes.Equal(body, painted) {
				t.Errorf("the thumbnail: %s", resp.Status)
			}
		}
		if err := g.store.Erase(id, store.Erased); err != nil {
			t.Fatal(err)
		}
		if resp, body := g.ask(http.MethodGet, path, key...); resp.StatusCode != http.StatusGone {
			t.Errorf("erased: %s %s", resp.Status, body)
		}
	}
	if strings.Contains(g.log.String(), "X-Amz") {
		t.Error("a link was logged")
	}
}

// untilRedirected waits until a picture is answered by a link, which is so for a minute
// then. On a busy machine S3 may take longer than the API waits for it.
func (s *service) untilRedirected(path string, header ...string) {
	s.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(browsertest.Timeout); ; <-again.C {
		resp, _ := s.ask(http.MethodGet, path, header...)
		if resp.StatusCode == http.StatusSeeOther {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("%s is not answered by a link: %s", path, resp.Status)
		}
	}
}

func first(resp *http.Response, _ []byte) *http.Response { return resp }

func (s *service) job(id job.ID) job.Job {
	s.Helper()
	j, err := s.store.Job(id)
	if err != nil {
		s.Fatal(err)
	}
	return j
}

func TestWhatIsTooLargeIsCopiedFirst(t *testing.T) {
	a := newTestBucket(t)
	g := serveWithKeys(t, func(c *api.Config) { c.Copies, c.MaxPicture = a.copies, 100 })
	id := g.annas(job.Succeeded)
	path, key := "/v1/jobs/"+string(id)+"/result", []string{"Authorization", "Bearer " + g.keys["right"]}
	for range 2 {
		link, _ := g.ask(http.MethodGet, path, key...)
		if resp, body := g.open(link); resp.StatusCode != http.StatusOK || !bytes.Equal(body, jpegPicture(t)) {
			t.Errorf("the link: %s, %d bytes", resp.Status, len(body))
		}
	}
	if n := a.puts.Load(); n != 1 || !a.holds(store.Published(id, "jpeg", false)[0]) {
		t.Errorf("copied %d times", n)
	}
	resp, body := g.ask(http.MethodGet, path)
	wantProblem(t, resp, body, 401, "unauthorized", "")

	// Erased while it is copied: the erasure came before there was anything to delete.
	id = g.annas(job.Succeeded)
	var once sync.Once
	name := store.Published(id, "jpeg", false)[0]
	inner := a.copies
	racing := g.beside(func(c *api.Config) {
		c.MaxPicture, c.Copies = 100, erasing{inner, func() { once.Do(func() { g.store.Erase(id, store.Erased) }) }}
	})
	resp, body = racing.ask(http.MethodGet, "/v1/jobs/"+string(id)+"/result")
	wantProblem(t, resp, body, 410, "gone", "")
	if a.holds(name) {
		t.Error("the copy stays")
	}
}

// erasing is a bucket before whose every write something happens.
type erasing struct {
	*gallery.Gallery
	before func()
}

func (e erasing) Put(ctx context.Context, name string, picture io.ReadSeeker) error {
	e.before()
	return e.Gallery.Put(ctx, name, picture)
}

// keeping is a bucket that stores nothing and keeps what it was to read from, as a
// transport does that was given up on while it was at it.
type keeping struct {
	*gallery.Gallery
	kept *io.ReadSeeker
}

func (k keeping) Put(_ context.Context, _ string, picture io.ReadSeeker) error {
	*k.kept = picture
	return bucket.ErrAway
}

// A hasty answer has something happen before each write but the first.
type hasty struct {
	*httptest.ResponseRecorder
	between func()
}

func (h hasty) Write(b []byte) (int, error) {
	if h.Body.Len() > 0 {
		h.between()
	}
	return h.ResponseRecorder.Write(b)
}

// What reads a picture for S3 still, after that was given up, is not in the way of
// who is answered from the same file.
func TestAnswerBesideACopyThatWasGivenUp(t *testing.T) {
	a := newTestBucket(t)
	var kept io.ReadSeeker
	s := serve(t)
	h, err := api.New(api.Config{Store: s.store, Queue: s.queue, Copies: keeping{a.copies, &kept}, MaxPicture: 100})
	if err != nil {
		t.Fatal(err)
	}
	id := s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: "night-swirls"}).ID
	lease, err := s.store.Claim(t.Context(), id, 1, "test")
	picture := append(jpegPicture(t), bytes.Repeat([]byte("0123456789abcdef"), 1<<14)...)
	if err == nil {
		err = lease.Succeed(picture, nil, job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}, job.Receipt{})
	}
	if err != nil {
		t.Fatal(err)
	}
	w := hasty{httptest.NewRecorder(), func() { _, _ = kept.Seek(7, io.SeekCurrent) }}
	r := httptest.NewRequest(http.MethodGet, "http://localhost/v1/jobs/"+string(id)+"/result", nil)
	r.Header.Set("Range", "bytes=0-")
	h.ServeHTTP(w, r)
	if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), picture) {
		t.Errorf("got %d, %d bytes, want the %d of the picture", w.Code, w.Body.Len(), len(picture))
	}
}

func TestResultWithTheBucketAway(t *testing.T) {
	a := newTestBucket(t)
	var log logBuffer
	settings := func(max int64) func(*api.Config) {
		return func(c *api.Config) {
			c.Copies, c.MaxPicture, c.Log = a.copies, max, slog.New(slog.NewTextHandler(&log, nil))
		}
	}
	s := serve(t, settings(0))
	id := s.painted()
	path := "/v1/jobs/" + string(id) + "/result"
	a.copy(store.Published(id, "jpeg", true)[0], jpegPicture(t))
	a.setUnavailable(true)
	asked := a.heads.Load()
	for range 3 {
		if resp, body := s.ask(http.MethodGet, path); resp.StatusCode != http.StatusOK || !bytes.Equal(body, jpegPicture(t)) {
			t.Errorf("answered here: %s, %d bytes", resp.Status, len(body))
		}
	}
	if n := a.heads.Load() - asked; n != 1 {
		t.Errorf("S3 was asked %d times in a moment", n)
	}
	if n := strings.Count(log.String(), "link to a picture's copy"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	small := s.beside(settings(100)) // too large for this one
	resp, body := small.ask(http.MethodGet, path)
	wantProblem(t, resp, body, 503, "unavailable", "Range")
	if resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if resp, body := small.ask(http.MethodGet, path, "Range", "bytes=2-9"); resp.StatusCode != http.StatusPartialContent || len(body) != 8 {
		t.Errorf("a range: %s, %d bytes", resp.Status, len(body))
	}
	a.setUnavailable(false)
	resp, _ = s.beside(settings(0)).ask(http.MethodGet, path)
	if resp, body := s.open(resp); resp.StatusCode != http.StatusOK || !bytes.Equal(body, jpegPicture(t)) {
		t.Errorf("when it is back: %s", resp.Status)
	}
}

// painted makes a public job that has succeeded.
func (s *service) painted() job.ID {
	s.Helper()
	id := s.submit(field{"image", "p.jpg", jpegPicture(s.T)}, field{name: "style", value: "night-swirls"}).ID
	lease, err := s.store.Claim(s.Context(), id, 1, "test")
	if err == nil {
		err = lease.Succeed(jpegPicture(s.T), nil, job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}, job.Receipt{})
	}
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// A browser's page shows what is answered by a link, and fetches it, without handing its key on:
// S3 refuses a link that comes with one.
func TestBrowserFollowsLinks(t *testing.T) {
	b := &browser{browsertest.Start(t)}
	a := newTestBucket(t)
	g := serveWithKeys(t, func(c *api.Config) { c.Copies = a.copies })
	if _, err := bucket.Create(t.Context(), a.cfg, "atelier", g.url); err != nil { // once more, for its pages
		t.Fatal(err)
	}
	private, public := g.annas(job.Succeeded), g.annas(job.Succeeded, field{name: "public", value: "true"})
	for _, id := range []job.ID{private, public} {
		a.copy(store.Published(id, "jpeg", id == public)[0], jpegPicture(t))
		g.untilRedirected("/v1/jobs/"+string(id)+"/result", "Authorization", "Bearer "+g.keys["right"])
	}
	p := b.open(t, g.url)
	got := p.Str(`await fetch('v1/jobs/` + string(private) + `/result', {headers: {Authorization: 'Bearer ` + g.keys["right"] + `'}})
		.then(async r => [r.status, r.redirected, r.headers.get('Content-Type'), (await r.blob()).size].join(' '))`)
	if want := fmt.Sprintf("200 true image/jpeg %d", len(jpegPicture(t))); got != want {
		t.Errorf("fetched: %s, want %s", got, want)
	}
	if got := p.Num(`await (async () => { const i = new Image(); i.src = 'v1/jobs/` + string(public) + `/result'; await i.decode(); return i.naturalWidth })()`); got != 60 {
		t.Errorf("shown: a width of %v", got)
	}
	// What is elsewhere is saved only if it says so itself: see resultInput.
	const href = `document.querySelector('#download').href`
	want := g.url + "/v1/jobs/" + string(public) + "/result?download=true"
	p = b.open(t, g.url+"/gallery#"+string(public))
	p.Until(`document.querySelector('#lightbox').open`)
	if got := p.Str(href); got != want {
		t.Errorf("the gallery's download is %s", got)
	}
	p = b.open(t, g.keyless.url+"/#job="+string(public))
	p.untilPhase("succeeded")
	if got := p.Str(href); got != strings.Replace(want, g.url, g.keyless.url, 1) {
		t.Errorf("the page's download is %s", got)
	}
}

func TestPageMayShowWhatIsLinked(t *testing.T) {
	cfg, err := ministack.Config(t.Context(), "http://127.0.0.1:4566") // nobody is asked
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *api.Config) { c.Copies = gallery.New(bucket.New(cfg, "atelier")) })
	resp, _ := s.get("/")
	policy := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"img-src 'self' blob: http://127.0.0.1:4566;", "connect-src 'self' http://127.0.0.1:4566;", "script-src 'self';"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%q lacks %q", policy, want)
		}
	}
	cfg = aws.Config{Region: cfg.Region, Credentials: cfg.Credentials}
	s = serve(t, func(c *api.Config) { c.Copies = gallery.New(bucket.New(cfg, "atelier")) })
	resp, _ = s.get("/")
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' blob: https://atelier.s3.us-east-1.amazonaws.com;") {
		t.Errorf("on AWS: %q", policy)
	}
}

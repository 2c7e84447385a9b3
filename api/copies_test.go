package api_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

func TestResultRedirectsToCopy(t *testing.T) {
	a := newTestBucket(t)
	g := serveWithKeys(t, func(c *api.Config) { c.Copies = a.copies })
	for _, public := range []bool{true, false} {
		id := g.annas(job.Succeeded, field{name: "public", value: fmt.Sprint(public)})
		path, key := "/v1/jobs/"+string(id)+"/result", []string{"Authorization", "Bearer " + g.keys["right"]}
		name, painted := store.Published(id, "jpeg", public)[0], jpegPicture(t)
		if resp, body := g.get(path, key...); resp.StatusCode != http.StatusOK || !bytes.Equal(body, painted) {
			t.Errorf("before there is a copy: %s, %d bytes", resp.Status, len(body))
		}
		a.copy(name, painted)
		for _, as := range callers { // the permissions are the same with and without a copy
			resp, _ := g.request(as, "GET", path, "", nil, "If-None-Match", "*")
			link, _ := g.get(path, "Authorization", "Bearer "+g.keys[as])
			if as == "none" {
				link, _ = g.get(path)
			}
			if as != "keyless" && (resp.StatusCode == http.StatusNotModified) != (link.StatusCode == http.StatusSeeOther) {
				t.Errorf("%s: public %v: %s, and with a copy %s", as, public, resp.Status, link.Status)
			}
		}

		before := a.heads.Load()
		link, _ := g.get(path, key...)
		resp, body := g.open(link)
		if resp.StatusCode != http.StatusOK || !bytes.Equal(body, painted) || resp.Header.Get("Content-Type") != "image/jpeg" ||
			resp.Header.Get("Content-Disposition") != `inline; filename="atelier-`+string(id)+`.jpg"` {
			t.Errorf("the link: %s, %v, %d bytes", resp.Status, resp.Header, len(body))
		}
		if resp, _ := g.open(first(g.get(path+"?download=true", key...))); resp.Header.Get("Content-Disposition") != `attachment; filename="atelier-`+string(id)+`.jpg"` {
			t.Errorf("a link to download: %v", resp.Header)
		}
		if resp, body := g.open(link, "Range", "bytes=2-9"); resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, painted[2:10]) {
			t.Errorf("a range: %s, %d bytes", resp.Status, len(body))
		}
		if a.heads.Load() != before {
			t.Error("S3 got a request for a copy that was found a moment ago")
		}
		if resp, body := g.send(http.MethodHead, path, "", key...); resp.StatusCode != http.StatusOK || resp.ContentLength != int64(len(painted)) || len(body) > 0 {
			t.Errorf("HEAD: %s, %d", resp.Status, resp.ContentLength)
		}
		etag := `"` + g.job(id).Result.SHA256 + `"`
		if resp, _ := g.get(path, append(key, "If-None-Match", etag)...); resp.StatusCode != http.StatusNotModified {
			t.Errorf("what the client has: %s", resp.Status)
		}
		if public {
			a.copy(store.Published(id, "jpeg", public)[1], painted)
			if resp, body := g.open(first(g.get("/v1/jobs/" + string(id) + "/thumbnail"))); !bytes.Equal(body, painted) {
				t.Errorf("the thumbnail: %s", resp.Status)
			}
		}
		if err := g.store.Erase(id, store.Erased); err != nil {
			t.Fatal(err)
		}
		if resp, body := g.get(path, key...); resp.StatusCode != http.StatusGone {
			t.Errorf("erased: %s %s", resp.Status, body)
		}
	}
	if strings.Contains(g.log.String(), "X-Amz") {
		t.Error("a link was logged")
	}
}

func (s *service) job(id job.ID) job.Job {
	s.Helper()
	j, err := s.store.Job(id)
	if err != nil {
		s.Fatal(err)
	}
	return j
}

func TestLargeResultIsCopiedFirst(t *testing.T) {
	a := newTestBucket(t)
	g := serveWithKeys(t, func(c *api.Config) { c.Copies, c.MaxPicture = a.copies, 100 })
	id := g.annas(job.Succeeded)
	path, key := "/v1/jobs/"+string(id)+"/result", []string{"Authorization", "Bearer " + g.keys["right"]}
	for range 2 {
		link, _ := g.get(path, key...)
		if resp, body := g.open(link); resp.StatusCode != http.StatusOK || !bytes.Equal(body, jpegPicture(t)) {
			t.Errorf("the link: %s, %d bytes", resp.Status, len(body))
		}
	}
	if n := a.puts.Load(); n != 1 || !a.holds(store.Published(id, "jpeg", false)[0]) {
		t.Errorf("copied %d times", n)
	}
	resp, body := g.get(path)
	wantProblem(t, resp, body, 401, "unauthorized", "")

	// Erased while it is copied: the erasure came before there was anything to delete.
	id = g.annas(job.Succeeded)
	var once sync.Once
	name := store.Published(id, "jpeg", false)[0]
	inner := a.copies
	racing := g.beside(func(c *api.Config) {
		c.MaxPicture, c.Copies = 100, erasing{inner, func() { once.Do(func() { g.store.Erase(id, store.Erased) }) }}
	})
	resp, body = racing.get("/v1/jobs/" + string(id) + "/result")
	wantProblem(t, resp, body, 410, "gone", "")
	if a.holds(name) {
		t.Error("the copy stays")
	}
}

// An aborted copy that still reads the picture does not disturb the response, which is read from
// the same file.
func TestResponseDuringAbandonedCopy(t *testing.T) {
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

func TestResultWhileBucketIsUnavailable(t *testing.T) {
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
		if resp, body := s.get(path); resp.StatusCode != http.StatusOK || !bytes.Equal(body, jpegPicture(t)) {
			t.Errorf("from the shared directory: %s, %d bytes", resp.Status, len(body))
		}
	}
	if n := a.heads.Load() - asked; n != 1 {
		t.Errorf("S3 got %d requests in a moment", n)
	}
	if n := strings.Count(log.String(), "no link to the copy of a picture"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	small := s.beside(settings(100)) // too large for this one
	resp, body := small.get(path)
	wantProblem(t, resp, body, 503, "unavailable", "Range")
	if resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if resp, body := small.get(path, "Range", "bytes=2-9"); resp.StatusCode != http.StatusPartialContent || len(body) != 8 {
		t.Errorf("a range: %s, %d bytes", resp.Status, len(body))
	}
	a.setUnavailable(false)
	resp, _ = s.beside(settings(0)).get(path)
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

// A browser follows links without the key, which S3 would refuse.
func TestBrowserFollowsLinks(t *testing.T) {
	b := &browser{browsertest.Start(t)}
	a := newTestBucket(t)
	g := serveWithKeys(t, func(c *api.Config) { c.Copies = a.copies })
	if _, err := bucket.Create(t.Context(), a.cfg, "atelier", g.url); err != nil { // again, to allow its origin
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
	// A picture at another origin is saved only with Content-Disposition: attachment; see resultInput.
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

func TestPolicyAllowsLinkedPictures(t *testing.T) {
	cfg, err := ministack.Config(t.Context(), "http://127.0.0.1:4566") // gets no request
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

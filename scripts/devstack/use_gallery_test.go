package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// The pictures are copied to S3, and the gallery shows them. With functions it works as on AWS: the
// schedule, the maintenance function, DataSync's API, a copy, the event of its end, and the function
// again.
func TestUseGallery(t *testing.T) {
	for _, mode := range []string{"server", "lambda"} {
		t.Run(mode, func(t *testing.T) {
			d := start(t, mode)
			d.on("a public job is in the gallery until it is erased", testPublicJob)
			d.on("nothing of a private job is shown", testPrivateJob)
			d.on("the site shows only public objects", testSite)
			d.on("everything is copied again to a killed MiniStack", testBucketLost)
			d.end(os.Interrupt)
			noTemporaryFiles(t, d.dir)
		})
	}
}

// site returns the demo at the site's URL.
func (d *demo) site() *demo {
	d.Helper()
	at := *d
	at.Base = d.output.waitFor(d.T, regexp.MustCompile(`Gallery on S3: (http://127\.0\.0\.1:\d+)/`))[1]
	return &at
}

// shown returns the jobs in the site's gallery.
func (d *demo) shown() (jobs []job.Job) {
	d.Helper()
	site := d.site()
	for next := "gallery/index.json"; next != ""; {
		a := site.Ask(http.MethodGet, "/"+next, nil)
		if a.StatusCode == http.StatusNotFound {
			return nil // it does not exist yet, or its hour is empty
		}
		var page struct {
			Jobs []job.Job
			Next *string
		}
		if err := json.Unmarshal(a.Body, &page); err != nil {
			d.Fatalf("%s: %s: %v: %.300s", next, a.Status, err, a.Body)
		}
		jobs, next = append(jobs, page.Jobs...), ""
		if page.Next != nil {
			next = *page.Next
		}
	}
	return jobs
}

// waitUntilShown waits until the gallery shows a job.
func (d *demo) waitUntilShown(id job.ID) (shown job.Job) {
	d.Helper()
	waitFor(d.T, func() bool {
		jobs := d.shown()
		i := slices.IndexFunc(jobs, func(j job.Job) bool { return j.ID == id })
		if i >= 0 {
			shown = jobs[i]
		}
		return i >= 0
	})
	return shown
}

// inBucket returns the keys of objects that are named after a job or contain its id.
func (d *demo) inBucket(id job.ID) (keys []string) {
	d.Helper()
	cfg := d.awsConfig()
	b := bucket.New(cfg, "atelier")
	for o, err := range b.List(d.Context(), "") {
		if err != nil {
			d.Fatal(err)
		}
		named := strings.Contains(o.Key, string(id))
		if strings.HasPrefix(o.Key, "gallery/") {
			a := d.site().Ask(http.MethodGet, "/"+o.Key, nil)
			named = bytes.Contains(a.Body, []byte(id))
		}
		if named {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

func testPublicJob(d *demo) {
	j := d.painted(d.submit(apitest.Stripes(d.T, 640, 480)))
	painted := d.result(j)
	shown := d.waitUntilShown(j.ID)
	folder := j.ID.Folder() + "/"
	if want := "pictures/public/" + folder + string(j.ID) + ".jpeg"; shown.Result.URL != want {
		d.Errorf("the result is at %s, want %s", shown.Result.URL, want)
	}
	if a := d.site().Ask(http.MethodGet, "/"+shown.Result.URL, nil); !bytes.Equal(a.Body, painted) || a.Header.Get("Content-Type") != "image/jpeg" {
		d.Errorf("the site's picture: %s, %v, %d bytes", a.Status, a.Header, len(a.Body))
	}
	if a := d.site().Ask(http.MethodGet, "/"+shown.Result.ThumbnailURL, nil); a.StatusCode != http.StatusOK || !bytes.HasPrefix(a.Body, []byte{0xff, 0xd8}) {
		d.Errorf("the thumbnail: %s, %d bytes", a.Status, len(a.Body))
	}
	a := d.Ask(http.MethodGet, "/"+j.Result.URL, nil)
	if !bytes.Equal(a.Body, painted) || !strings.HasPrefix(a.Request.URL.Path, "/atelier/pictures/public/") || a.Header.Get("Content-Type") != "image/jpeg" {
		d.Errorf("through the API it is served from %s: %s, %v", a.Request.URL.Path, a.Status, a.Header)
	}
	if keys := d.inBucket(j.ID); len(keys) != 3 {
		d.Errorf("the bucket has %q", keys)
	}
	d.submitter("delete", string(j.ID), "--yes")
	if left := d.inBucket(j.ID); len(left) > 0 {
		d.Errorf("after the erasure: got %q, want no objects", left)
	}
	for _, address := range []string{shown.Result.URL, shown.Result.ThumbnailURL} {
		if a := d.site().Ask(http.MethodGet, "/"+address, nil); a.StatusCode != http.StatusNotFound {
			d.Errorf("after the erasure: %s returns %s", address, a.Status)
		}
	}
	d.Refused(d.Ask(http.MethodGet, "/"+j.Result.URL, nil), http.StatusGone, "gone")
}

func testPrivateJob(d *demo) {
	id := d.submit(apitest.Stripes(d.T, 320, 240), "public", "false", "format", "png")
	j := d.painted(id)
	key := "pictures/private/" + id.Folder() + "/" + string(id) + ".png"
	waitFor(d.T, func() bool { return slices.Equal(d.inBucket(id), []string{key}) })
	after := d.painted(d.submit(apitest.Stripes(d.T, 320, 240)))
	d.waitUntilShown(after.ID)
	if keys := d.inBucket(id); !slices.Equal(keys, []string{key}) {
		d.Errorf("the bucket has %q, want %q", keys, key)
	}
	for _, path := range []string{"/" + key, "//" + key, "/gallery/../" + key, "/pictures/public/../" + strings.TrimPrefix(key, "pictures/")} {
		if a := d.site().Ask(http.MethodGet, path, nil); a.StatusCode != http.StatusNotFound {
			d.Errorf("%s: got %s, want 404", path, a.Status)
		}
	}
	a := d.Ask(http.MethodGet, "/"+j.Result.URL, nil)
	if int64(len(a.Body)) != j.Result.Bytes || a.Request.URL.Path != "/atelier/"+key {
		d.Errorf("through the API it is served from %s: %s", a.Request.URL.Path, a.Status)
	}
	d.submitter("delete", string(id), "--yes")
	if left := d.inBucket(id); len(left) > 0 {
		d.Errorf("after the erasure: got %q, want no objects", left)
	}
}

func testSite(d *demo) {
	site := d.site()
	page := site.Ask(http.MethodGet, "/", nil)
	if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Content-Security-Policy") == "" {
		d.Errorf("%s, %v", page.Status, page.Header)
	}
	if a := site.Ask(http.MethodGet, "/", nil, "If-None-Match", page.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		d.Errorf("the page again: %s", a.Status)
	}
	if a := site.Ask(http.MethodHead, "/", nil); a.StatusCode != http.StatusOK || len(a.Body) > 0 || a.ContentLength != int64(len(page.Body)) {
		d.Errorf("HEAD: %s", a.Status)
	}
	for path, status := range map[string]int{
		"/pictures/private/": 404, "/pictures/": 404, "/pictures/public/": 404, "/gallery/": 404, "/nothing": 404, "/gallery/%00": 404,
		"/?list-type=2": 200, // the page, not a listing
	} {
		if a := site.Ask(http.MethodGet, path, nil); a.StatusCode != status || bytes.Contains(a.Body, []byte("ListBucketResult")) {
			d.Errorf("%s: %s: %.200s", path, a.Status, a.Body)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPost} {
		if a := site.Ask(method, "/index.html", strings.NewReader("x")); a.StatusCode != http.StatusMethodNotAllowed {
			d.Errorf("%s: %s", method, a.Status)
		}
	}
	if a := site.Ask(http.MethodGet, "/", nil, "Host", "evil.example"); a.StatusCode != http.StatusMisdirectedRequest {
		d.Errorf("under another name: %s", a.Status)
	}
}

// testBucketLost: MiniStack has no persistent state.
func testBucketLost(d *demo) {
	id := d.painted(d.submit(apitest.Stripes(d.T, 320, 240))).ID
	d.waitUntilShown(id)
	for _, p := range d.processes() {
		if p.emulator() {
			if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
				d.Fatal(err)
			}
		}
	}
	d.output.waitFor(d.T, regexp.MustCompile("MiniStack is back"))
	d.waitUntilShown(id)
	if keys := d.inBucket(id); len(keys) != 3 {
		d.Errorf("the bucket has %q", keys)
	}
}

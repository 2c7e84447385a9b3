package gallery_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func TestGallery(t *testing.T) {
	locked, cfg := ministacktest.Start(t)
	for i, test := range []struct {
		name string
		run  func(*harness)
	}{
		{"without pictures the index has no link", testEmpty},
		{"jobs are shown by the hour, newest first, and each page links to the next", testChain},
		{"only public jobs whose pictures are in the bucket are shown", testHidden},
		{"foreign files in the shared directory are not shown", testTampered},
		{"only changed pages are written", testIncremental},
		{"an update of some hours has the same result as one of all hours", testHours},
		{"an update of one hour costs the same among 10,000 pictures", testManyPictures},
		{"damaged objects are written again", testDamaged},
		{"an erased job disappears at once", testErased},
		{"the page of an emptied hour is deleted", testEmptied},
		{"the jobs of large hours are divided among pages", testSpans},
		{"jobs in many folders share pages", testFewPages},
		{"an update that is interrupted within an hour continues there", testInterruptedInHour},
		{"an update that is interrupted between hours continues there", testInterruptedBetweenHours},
		{"an erased job is removed from all pages that may show it", testErasedWhileDivided},
		{"a job is erased while its manifest is written", testErasedMeanwhile},
		{"the expired jobs of an hour cause one write of its manifest", testExpired},
		{"many jobs are erased while manifests are written", testManyErasedConcurrently},
		{"pictures of an erased job that are copied late are removed", testLateCopy},
		{"a job is erased from an unreadable manifest", testErasedFromUnreadableManifest},
		{"an erasure completes when the bucket is available again", testBucketUnavailable},
		{"without the store nothing is removed", testStoreUnavailable},
		{"an hour that fails hides no other", testHourFails},
		{"a page that fails hides no other of its hour", testPageFails},
		{"the files of the gallery page are stored", testSite},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newHarness(t, locked.Endpoint, cfg, fmt.Sprintf("bucket-%d", i)))
		})
	}
}

// A harness is a gallery with the store that it shows, the copy from one to the other, and a proxy
// before S3 that can intercept requests.
type harness struct {
	*testing.T
	bucket      *bucket.Bucket // without the proxy
	gallery     *gallery.Gallery
	store       *store.Store
	sync        datasync.Task
	interceptor atomic.Pointer[func(w http.ResponseWriter, r *http.Request, next http.Handler)]
}

func newHarness(t *testing.T, endpoint string, cfg aws.Config, name string) *harness {
	t.Helper()
	h := &harness{T: t}
	var err error
	if h.bucket, err = bucket.Create(t.Context(), cfg, name); err != nil {
		t.Fatal(err)
	}
	proxy := ministacktest.Proxy(t, endpoint)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if interceptor := h.interceptor.Load(); interceptor != nil {
			(*interceptor)(w, r, proxy)
		} else {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	by, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	// It is used as a proxy, because signatures include the Host.
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(by)}}
	h.gallery = gallery.New(bucket.New(cfg, name))
	if h.store, err = store.Open(store.Config{Dir: t.TempDir(), Unpublish: h.gallery.Unpublish}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	h.sync = datasync.Task{From: h.store.PublishedDir(), To: h.bucket, Prefix: gallery.Pictures}
	return h
}

// intercept makes f handle the requests to S3, with next as the real handler. A nil f ends this.
func (h *harness) intercept(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	if f == nil {
		h.interceptor.Store(nil)
	} else {
		h.interceptor.Store(&f)
	}
}

// idAt returns an id of a time.
func idAt(t *testing.T, at time.Time) job.ID {
	t.Helper()
	u := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[15] &^= 3 // in the hour's folder
	id, err := job.ParseID(u.String())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// idIn returns an id of a time, in a folder of a grain.
func idIn(t *testing.T, at time.Time, g job.Grain) job.ID {
	t.Helper()
	u := uuid.MustParse(string(idAt(t, at)))
	u[15] |= byte(g)
	return job.ID(u.String())
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// paint makes a job of a time that has succeeded.
func (h *harness) paint(when string, public bool) job.ID {
	h.Helper()
	return h.paintAs(idAt(h.T, at(when)), when, public)
}

func (h *harness) paintAs(id job.ID, when string, public bool) job.ID {
	h.Helper()
	spec := job.Spec{
		ID: id, Owner: "anna", Style: "night-swirls", Strength: 1, Size: 64, Format: "png", Quality: 90,
		Public: public, CreatedAt: at(when), Input: job.Input{Format: "png", Width: 1, Height: 1},
	}
	err := h.store.Create(&spec, []byte("photo"), nil)
	if err != nil {
		h.Fatal(err)
	}
	lease, err := h.store.Claim(h.Context(), spec.ID, 1, "test")
	if err == nil {
		err = lease.Succeed([]byte("picture of "+spec.ID), nil, job.Result{Width: 3, Height: 2, ContentType: "image/png"}, job.Receipt{Worker: "daemon"})
	}
	if err != nil {
		h.Fatal(err)
	}
	return spec.ID
}

func (h *harness) copy() {
	h.Helper()
	if _, err := h.sync.Run(h.Context()); err != nil {
		h.Fatal(err)
	}
}

func (h *harness) update() (changed int) {
	h.Helper()
	changed, err := h.gallery.Update(h.Context(), h.store)
	if err != nil {
		h.Fatal(err)
	}
	return changed
}

func (h *harness) erase(id job.ID) {
	h.Helper()
	if err := h.store.Erase(id, store.Erased); err != nil {
		h.Error(err)
	}
}

func (h *harness) get(key string) ([]byte, bucket.Object, bool) {
	h.Helper()
	r, o, err := h.bucket.Get(h.Context(), key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, o, false
	}
	if err != nil {
		h.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		h.Fatal(err)
	}
	return b, o, true
}

// A page is a manifest as the gallery page reads it.
type page struct {
	Jobs []job.Job
	Next *string
}

// shown returns the ids that a reader finds from the index on, and the keys of the manifests. It
// fails if a link is broken.
func (h *harness) shown() (ids []job.ID, keys []string) {
	h.Helper()
	key := "gallery/index.json"
	for {
		b, o, ok := h.get(key)
		if !ok {
			h.Fatalf("after %q: %s does not exist", keys, key)
		}
		var s page
		if err := json.Unmarshal(b, &s); err != nil || s.Jobs == nil || o.ContentType != "application/json" || o.CacheControl != "no-cache" {
			h.Fatalf("%s: %v, %+v: %s", key, err, o, b)
		}
		if bytes.Contains(b, []byte("anna")) {
			h.Errorf("%s contains the owner: %s", key, b)
		}
		for _, j := range s.Jobs {
			ids = append(ids, j.ID)
			for _, address := range []string{j.Result.URL, j.Result.ThumbnailURL} {
				if picture, _, ok := h.get(address); !ok || !bytes.Contains(picture, []byte(j.ID)) {
					h.Errorf("%s of job %s does not exist", address, j.ID)
				}
			}
		}
		keys = append(keys, key)
		if s.Next == nil {
			return ids, keys
		}
		key = *s.Next
	}
}

// wantShown checks which jobs a reader finds.
func (h *harness) wantShown(want ...job.ID) {
	h.Helper()
	if got, _ := h.shown(); fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("got jobs %v, want %v", got, want)
	}
}

// keysMentioning returns the keys of objects whose key or content contains a job's id.
func (h *harness) keysMentioning(id job.ID) (keys []string) {
	h.Helper()
	for o, err := range h.bucket.List(h.Context(), "") {
		if err != nil {
			h.Fatal(err)
		}
		if b, _, _ := h.get(o.Key); strings.Contains(o.Key, string(id)) || bytes.Contains(b, []byte(id)) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

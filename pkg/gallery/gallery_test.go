package gallery_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
		run  func(*hall)
	}{
		{"without pictures the index leads nowhere", testEmpty},
		{"jobs come by the hour, newest first, each page leading to the next", testChain},
		{"nothing is shown that is not in the bucket, or not public", testHidden},
		{"what somebody has put into the shared directory is not shown", testTampered},
		{"only what has changed is written", testIncremental},
		{"an update of some hours leaves what one of all would", testHours},
		{"an update of one hour costs the same among 10,000 pictures", testManyPictures},
		{"what was spoiled by hand is made again", testSpoiled},
		{"an erased job vanishes at once", testErased},
		{"an emptied hour goes", testEmptied},
		{"hours of many jobs have pages of so many each", testSpans},
		{"where there is a job in each of many folders a page has those of several", testFewPages},
		{"an update that ends in the midst of an hour goes on there", testEndsInHour},
		{"an update that ends in the midst of all hours goes on there", testEndsInHours},
		{"a job that is erased leaves all pages that it may be in", testErasedWhileDivided},
		{"a job that is erased while its manifest is written", testErasedMeanwhile},
		{"those of an hour that expire cost its manifest one change", testExpired},
		{"many are erased while manifests are written", testErasedInCompany},
		{"a copy that was late brings nothing back", testLateCopy},
		{"an erasure from a manifest that can't be read", testErasedFromWhatIsSpoiled},
		{"an erasure while the bucket is away ends later", testBucketAway},
		{"without the store nothing is taken back", testStoreAway},
		{"an hour that fails keeps no other from view", testHourFails},
		{"a page that fails keeps no other of its hour from view", testPageFails},
		{"a page", testPage},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newHall(t, locked.Endpoint, cfg, fmt.Sprintf("bucket-%d", i)))
		})
	}
}

func TestOpen(t *testing.T) {
	locked := ministacktest.StartLocked(t)
	cfg, err := locked.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	if _, err := gallery.Open(t.Context(), cfg, "atelier", log); !errors.Is(err, bucket.ErrNoBucket) {
		t.Errorf("a wrong name: got %v, want ErrNoBucket", err)
	}
	if _, err := bucket.Create(t.Context(), cfg, "atelier"); err != nil {
		t.Fatal(err)
	}
	if _, err := gallery.Open(t.Context(), cfg, "atelier", log); err != nil || said.Len() > 0 {
		t.Errorf("got %v; logged %s", err, said.Bytes())
	}
	locked.Endpoint = "http://127.0.0.1:1" // nobody listens
	if cfg, err = locked.Config(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g, err := gallery.Open(t.Context(), cfg, "atelier", log); g == nil || err != nil || !strings.Contains(said.String(), "away") {
		t.Errorf("S3 is away: got %v; logged %s", err, said.Bytes())
	}
}

// A hall is a gallery with the store that it shows, the copy between them, and
// something before S3 that can do things in between.
type hall struct {
	*testing.T
	bucket  *bucket.Bucket // straight
	gallery *gallery.Gallery
	store   *store.Store
	sync    datasync.Task
	odd     atomic.Pointer[func(w http.ResponseWriter, r *http.Request, next http.Handler)]
}

func newHall(t *testing.T, endpoint string, cfg aws.Config, name string) *hall {
	t.Helper()
	h := &hall{T: t}
	var err error
	if h.bucket, err = bucket.Create(t.Context(), cfg, name); err != nil {
		t.Fatal(err)
	}
	proxy := ministacktest.Proxy(t, endpoint)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if odd := h.odd.Load(); odd != nil {
			(*odd)(w, r, proxy)
		} else {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	by, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	// As a proxy, since what is signed is the Host too.
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(by)}}
	h.gallery = gallery.New(bucket.New(cfg, name))
	if h.store, err = store.Open(store.Config{Dir: t.TempDir(), Unpublish: h.gallery.Unpublish}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	h.sync = datasync.Task{From: h.store.PublishedDir(), To: h.bucket, Prefix: gallery.Pictures}
	return h
}

// between has f called for requests on their way to S3; nil ends it.
func (h *hall) between(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	if f == nil {
		h.odd.Store(nil)
	} else {
		h.odd.Store(&f)
	}
}

// idAt is an id made at a time.
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

// idIn is idAt in the folder of a grain.
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
func (h *hall) paint(when string, public bool) job.ID {
	h.Helper()
	return h.paintAs(idAt(h.T, at(when)), when, public)
}

func (h *hall) paintAs(id job.ID, when string, public bool) job.ID {
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

func (h *hall) copy() {
	h.Helper()
	if _, err := h.sync.Run(h.Context()); err != nil {
		h.Fatal(err)
	}
}

func (h *hall) update() (changed int) {
	h.Helper()
	changed, err := h.gallery.Update(h.Context(), h.store)
	if err != nil {
		h.Fatal(err)
	}
	return changed
}

func (h *hall) erase(id job.ID) {
	h.Helper()
	if err := h.store.Erase(id, store.Erased); err != nil {
		h.Error(err)
	}
}

func (h *hall) get(key string) ([]byte, bucket.Object, bool) {
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

// A sheet is a manifest as the page reads it.
type sheet struct {
	Jobs []job.Job
	Next *string
}

// shown are the ids that a reader comes to, from the index on, and the manifests
// on the way. Every address must lead somewhere.
func (h *hall) shown() (ids []job.ID, keys []string) {
	h.Helper()
	key := "gallery/index.json"
	for {
		b, o, ok := h.get(key)
		if !ok {
			h.Fatalf("after %q: %s is not there", keys, key)
		}
		var s sheet
		if err := json.Unmarshal(b, &s); err != nil || s.Jobs == nil || o.ContentType != "application/json" || o.CacheControl != "no-cache" {
			h.Fatalf("%s: %v, %+v: %s", key, err, o, b)
		}
		if bytes.Contains(b, []byte("anna")) {
			h.Errorf("%s tells the owner: %s", key, b)
		}
		for _, j := range s.Jobs {
			ids = append(ids, j.ID)
			for _, address := range []string{j.Result.URL, j.Result.ThumbnailURL} {
				if picture, _, ok := h.get(address); !ok || !bytes.Contains(picture, []byte(j.ID)) {
					h.Errorf("%s of job %s is not there", address, j.ID)
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

// is checks what a reader comes to.
func (h *hall) is(want ...job.ID) {
	h.Helper()
	if got, _ := h.shown(); fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("shown are %v, want %v", got, want)
	}
}

// mentions are the keys of objects that are named after a job, or name it.
func (h *hall) mentions(id job.ID) (keys []string) {
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

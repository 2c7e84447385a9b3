package gallery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// A manifest is a page of the gallery: the public jobs of one folder of published pictures, newest first, and the
// key of the next, of an older folder. Addresses in it are keys. A reader that does
// not find a next begins anew: its folder has been emptied.
type manifest struct {
	Jobs []job.Job `json:"jobs"`
	Next *string   `json:"next"`
}

// The keys below gallery/.
const (
	manifests = "gallery/"
	index     = manifests + "index.json" // the first page, without jobs of its own, so that an erasure changes one page
	hoursKey  = manifests + "hours.json" // see hours
)

// manifestKey is the key of the page of a folder, such as 2026/11/30/04 or 2026/11/30/04/59.
func manifestKey(folder string) string { return manifests + folder + ".json" }

// ledgerKey is the key of an hour's ledger.
func ledgerKey(hour string) string { return manifests + hour + "/pages.json" }

// hourDepth is how many parts the folder of an hour has.
const hourDepth = 4

// folderOf is the folder of a page's key.
func folderOf(key string) (folder string, ok bool) {
	folder, isJSON := strings.CutSuffix(strings.TrimPrefix(key, manifests), ".json")
	depth := strings.Count(folder, "/") + 1
	return folder, isJSON && depth >= hourDepth && depth <= hourDepth+2 && !strings.HasSuffix(folder, "/pages")
}

// hourOf is the hour of a folder.
func hourOf(folder string) string {
	parts := strings.SplitN(folder, "/", hourDepth+1)
	return strings.Join(parts[:min(hourDepth, len(parts))], "/")
}

// nextOf is a manifest's Next for a folder; "" where there is none.
func nextOf(folder string) *string {
	if folder == "" {
		return nil
	}
	key := manifestKey(folder)
	return &key
}

// always has readers ask whether there is another, so that what was erased
// vanishes at once; the ETag makes asking cheap.
const always = "no-cache"

// putJSON stores an object of ours if its ETag is still the given one, "" being
// that of none. [bucket.ErrChanged]: it is not.
func (g *Gallery) putJSON(ctx context.Context, key string, v any, etag string) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	p := bucket.Put{ContentType: "application/json", CacheControl: always, If: etag}
	if etag == "" {
		p.If = bucket.Absent
	}
	return g.bucket.Put(ctx, key, bytes.NewReader(b), p)
}

// getJSON reads an object of ours, and its ETag. Without one it leaves v as it is.
func (g *Gallery) getJSON(ctx context.Context, key string, v any) (etag string, err error) {
	r, o, err := g.bucket.Get(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("read %s: %w: %w", key, bucket.ErrAway, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return o.ETag, fmt.Errorf("read %s: %w: %w", key, errUnreadable, err)
	}
	return o.ETag, nil
}

// errUnreadable: an object of ours holds something else.
var errUnreadable = errors.New("unreadable")

// withdraw takes jobs out of their folder's page. Where others change it too it is tried again until ctx ends.
func (g *Gallery) withdraw(ctx context.Context, folder string, gone map[job.ID]bool) error {
	unlock := g.lock(folder) // those of this process need not get ahead of each other
	defer unlock()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		var m manifest
		etag, err := g.getJSON(ctx, manifestKey(folder), &m)
		if errors.Is(err, errUnreadable) {
			return nil // nobody is shown it: the next update writes it anew
		}
		if err != nil || etag == "" {
			return err
		}
		here := func(j job.Job) bool { return gone[j.ID] }
		if !slices.ContainsFunc(m.Jobs, here) {
			return nil
		}
		m.Jobs = slices.DeleteFunc(m.Jobs, here)
		if _, err = g.putJSON(ctx, manifestKey(folder), m, etag); !errors.Is(err, bucket.ErrChanged) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(pause)):
		}
	}
}

// lock is a lock of the page of a folder, among the goroutines of this process.
func (g *Gallery) lock(folder string) (unlock func()) {
	g.mu.Lock()
	l := g.locks[folder]
	if l == nil {
		l = new(pageLock)
		if g.locks == nil {
			g.locks = map[string]*pageLock{}
		}
		g.locks[folder] = l
	}
	l.users++
	g.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		g.mu.Lock()
		defer g.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(g.locks, folder)
		}
	}
}

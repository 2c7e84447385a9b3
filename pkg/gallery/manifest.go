package gallery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// A manifest is a page of the gallery: the jobs of an hour, newest first, and the
// key of the next, of an older hour. Addresses in it are keys. A reader that does
// not find a next begins anew: its hour has been emptied.
type manifest struct {
	Jobs []job.Job `json:"jobs"`
	Next *string   `json:"next"`
}

// The keys of manifests.
const (
	manifests = "gallery/"
	index     = manifests + "index.json" // the first, without jobs of its own, so that an erasure changes one manifest
	ledgerKey = manifests + "hours.json"
)

func manifestKey(hour string) string { return manifests + hour + ".json" }

// hourOf is the hour of a manifest's key.
func hourOf(key string) (hour string, ok bool) {
	hour = strings.TrimSuffix(strings.TrimPrefix(key, manifests), ".json")
	return hour, strings.Count(hour, "/") == 3
}

// nextOf is a manifest's Next for an hour; "" where there is none.
func nextOf(hour string) *string {
	if hour == "" {
		return nil
	}
	key := manifestKey(hour)
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

// tries is how often a change is tried that others get ahead of.
const tries = 20

// withdraw takes jobs out of their hour's manifest.
func (g *Gallery) withdraw(ctx context.Context, hour string, gone map[job.ID]bool) error {
	var err error
	for range tries {
		var m manifest
		var etag string
		etag, err = g.getJSON(ctx, manifestKey(hour), &m)
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
		if _, err = g.putJSON(ctx, manifestKey(hour), m, etag); !errors.Is(err, bucket.ErrChanged) {
			return err
		}
	}
	return err
}

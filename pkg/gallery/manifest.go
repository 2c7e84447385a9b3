package gallery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// A manifest is a page of the gallery: the public jobs of a span, newest first, and the
// key of the next, of an older span. Addresses in it are keys. A reader that does
// not find a next begins anew: its span has been emptied, or divided.
type manifest struct {
	Jobs []job.Job `json:"jobs"`
	Next *string   `json:"next"`
}

// The keys below gallery/.
const (
	manifests = "gallery/"
	index     = manifests + "index.json" // the first page, without jobs of its own, so that an erasure changes one page
	hoursKey  = manifests + "hours.json" // see chain
)

// nextOf is a manifest's Next for a span; "" where there is none.
func nextOf(span string) *string {
	if span == "" {
		return nil
	}
	key := manifestKey(span)
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
		return "", fmt.Errorf("read %s: %w: %w", key, bucket.ErrUnavailable, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return o.ETag, fmt.Errorf("read %s: %w: %w", key, errUnreadable, err)
	}
	return o.ETag, nil
}

// errUnreadable: an object of ours holds something else.
var errUnreadable = errors.New("unreadable")

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

// A manifest is a page of the gallery: the public jobs of a span, newest first, and the key of the
// next page, of an older span. URLs in it are keys. A reader that does not find the next page
// starts again from the index, because its span was emptied or divided.
type manifest struct {
	Jobs []job.Job `json:"jobs"`
	Next *string   `json:"next"`
}

// Keys below gallery/.
const (
	manifestPrefix = "gallery/"
	indexKey       = manifestPrefix + "index.json" // the first page; it has no jobs, so an erasure changes one page only
	hoursKey       = manifestPrefix + "hours.json" // see chain
)

// nextKey returns a manifest's Next for the page of a span; nil for "".
func nextKey(span string) *string {
	if span == "" {
		return nil
	}
	key := manifestKey(span)
	return &key
}

// revalidate makes readers ask for a newer version each time, so erased jobs disappear at once.
// With an ETag such a request is cheap.
const revalidate = "no-cache"

// putJSON stores an object if its ETag is still etag, or if it does not exist and etag is "".
// Otherwise it returns [bucket.ErrChanged].
func (g *Gallery) putJSON(ctx context.Context, key string, v any, etag string) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	p := bucket.Put{ContentType: "application/json", CacheControl: revalidate, If: etag}
	if etag == "" {
		p.If = bucket.Absent
	}
	return g.bucket.Put(ctx, key, bytes.NewReader(b), p)
}

// getJSON reads an object into v and returns its ETag. If it does not exist v is unchanged and the
// ETag is "".
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

// errUnreadable means that an object has other content than Atelier's.
var errUnreadable = errors.New("unreadable")

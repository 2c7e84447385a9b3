// Package uploads is the part of the bucket in which clients store pictures before they
// submit them: uploads/, below which each has the name that the store gave it. The
// deployment's template has what is in there expire after a day.
package uploads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// Prefix is what the key of every upload begins with.
const Prefix = "uploads/"

// Uploads are those in a bucket. It is safe for concurrent use.
type Uploads struct{ bucket *bucket.Bucket }

// New makes Uploads of a bucket.
func New(b *bucket.Bucket) *Uploads { return &Uploads{b} }

// Sign signs a PUT of exactly so many bytes, for as long as valid, under a name that
// holds nothing yet. The header is to be sent with it.
func (u *Uploads) Sign(ctx context.Context, name string, bytes int64, valid time.Duration) (url string, header http.Header, err error) {
	link, err := u.bucket.PutLink(ctx, Prefix+name, bytes, valid)
	return link.URL, link.Header, err
}

// Open opens an upload and returns its size in bytes; the caller closes it. What was read
// is of one object, whatever happens to it meanwhile. job.ErrUploadIncomplete: there is
// no such object.
func (u *Uploads) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	r, o, err := u.bucket.Get(ctx, Prefix+name)
	if errors.Is(err, bucket.ErrNotFound) {
		err = fmt.Errorf("%w: %w", job.ErrUploadIncomplete, err)
	}
	return r, o.Size, err
}

// Remove removes an upload. One that is not there is no error.
func (u *Uploads) Remove(ctx context.Context, name string) error {
	return u.bucket.Delete(ctx, Prefix+name)
}

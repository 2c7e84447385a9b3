// Package uploads manages the pictures that clients store in the bucket before they submit them. Their
// keys begin with uploads/, followed by a name from the store. The deployment's template makes them
// expire after a day.
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

// Prefix is the start of the key of every upload.
const Prefix = "uploads/"

// Uploads are the uploads in a bucket. It is safe for concurrent use.
type Uploads struct{ bucket *bucket.Bucket }

// New returns the Uploads of a bucket.
func New(b *bucket.Bucket) *Uploads { return &Uploads{b} }

// Sign returns the signed request with which a client stores an upload. The client must send a PUT to
// url, with header and a body of exactly this many bytes, while the request is valid. S3 refuses it if
// there is an object of this name already.
func (u *Uploads) Sign(ctx context.Context, name string, bytes int64, valid time.Duration) (url string, header http.Header, err error) {
	link, err := u.bucket.PutLink(ctx, Prefix+name, bytes, valid)
	return link.URL, link.Header, err
}

// Open opens an upload and returns its size in bytes; the caller must close it. All that is read
// comes from the same object, even if it is replaced meanwhile. If there is no object, the error
// wraps job.ErrUploadIncomplete.
func (u *Uploads) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	r, o, err := u.bucket.Get(ctx, Prefix+name)
	if errors.Is(err, bucket.ErrNotFound) {
		err = fmt.Errorf("%w: %w", job.ErrUploadIncomplete, err)
	}
	return r, o.Size, err
}

// Remove removes an upload. A missing one is no error.
func (u *Uploads) Remove(ctx context.Context, name string) error {
	return u.bucket.Delete(ctx, Prefix+name)
}

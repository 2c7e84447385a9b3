package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// readAtOnce is how many bytes of an object are requested at once.
const readAtOnce = 8 << 20

// A Reader reads any part of one object. If the object changes in the meantime, the error is
// [ErrChanged]. It caches the 8 MiB that were read last, so that consecutive small reads need few
// requests. It is safe for concurrent use.
type Reader struct {
	ctx    context.Context //nolint:containedctx // an io.ReaderAt takes none
	bucket *Bucket
	object Object

	mu   sync.Mutex
	at   int64 // offset of kept in the object
	kept []byte
}

// Reader returns a reader of the object's current version. It can be used until ctx ends.
func (b *Bucket) Reader(ctx context.Context, key string) (*Reader, error) {
	object, err := b.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	object.Key = key
	return &Reader{ctx: ctx, bucket: b, object: object}, nil
}

// Size returns the object's size in bytes.
func (r *Reader) Size() int64 { return r.object.Size }

// ReadAt implements [io.ReaderAt].
func (r *Reader) ReadAt(p []byte, offset int64) (n int, err error) {
	if offset < 0 {
		return 0, errors.New("read before the start of an object")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n < len(p) {
		from := offset + int64(n)
		if from >= r.object.Size {
			return n, io.EOF
		}
		if from < r.at || from >= r.at+int64(len(r.kept)) {
			if err := r.fetch(from); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], r.kept[from-r.at:])
	}
	return n, nil
}

// fetch reads a part of the object, starting at offset, into kept.
func (r *Reader) fetch(offset int64) error {
	size := min(readAtOnce, r.object.Size-offset)
	out, err := r.bucket.client.GetObject(r.ctx, &s3.GetObjectInput{
		Bucket: &r.bucket.name, Key: &r.object.Key, IfMatch: &r.object.ETag,
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+size-1)),
	})
	if err != nil {
		return fmt.Errorf("get %s: %w", r.object.Key, r.bucket.explain(err))
	}
	defer out.Body.Close()
	kept := make([]byte, size)
	if _, err := io.ReadFull(out.Body, kept); err != nil {
		return fmt.Errorf("get %s: %w: %w", r.object.Key, ErrUnavailable, err)
	}
	r.at, r.kept = offset, kept
	return nil
}

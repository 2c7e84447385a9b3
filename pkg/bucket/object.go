package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// An Object is the metadata of an object.
type Object struct {
	Key     string
	Size    int64
	Changed time.Time // by S3's clock; whole seconds in listings
	ETag    string    // for conditional writes; opaque

	ContentType, CacheControl string // not in listings
}

// Put holds options for storing an object.
type Put struct {
	ContentType  string
	CacheControl string
	// If is the condition of the write: the ETag that the object must have now, or [Absent].
	// Without it, an existing object is replaced. If the condition does not hold, the error is
	// [ErrChanged].
	If string
}

// Absent is the condition that the object does not exist yet.
const Absent = "absent"

// Put stores an object atomically and returns its ETag. The body is read at least twice: to compute
// the signature, and for each try to send it.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReadSeeker, p Put) (etag string, err error) {
	in := &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: body, ContentType: nonEmpty(p.ContentType), CacheControl: nonEmpty(p.CacheControl),
	}
	switch p.If {
	case "":
	case Absent:
		in.IfNoneMatch = aws.String("*")
	default:
		in.IfMatch = &p.If
	}
	out, err := b.client.PutObject(ctx, in)
	if err != nil {
		err = b.explain(err)
		if p.If != "" && p.If != Absent && errors.Is(err, ErrNotFound) { // S3's response if the object was deleted
			err = fmt.Errorf("%w: %w", ErrChanged, err)
		}
		return "", fmt.Errorf("put %s: %w", key, err)
	}
	return aws.ToString(out.ETag), nil
}

// Head returns the metadata of an object. If the object is missing and the caller may not list the
// bucket, AWS responds with [ErrDenied].
func (b *Bucket) Head(ctx context.Context, key string) (Object, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return Object{}, fmt.Errorf("head %s: %w", key, b.explain(err))
	}
	return Object{
		key, aws.ToInt64(out.ContentLength), aws.ToTime(out.LastModified), aws.ToString(out.ETag),
		aws.ToString(out.ContentType), aws.ToString(out.CacheControl),
	}, nil
}

// Get opens an object; the caller must close it. For missing objects see [Bucket.Head].
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, Object, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return nil, Object{}, fmt.Errorf("get %s: %w", key, b.explain(err))
	}
	return out.Body, Object{
		key, aws.ToInt64(out.ContentLength), aws.ToTime(out.LastModified), aws.ToString(out.ETag),
		aws.ToString(out.ContentType), aws.ToString(out.CacheControl),
	}, nil
}

// maxDelete is the most objects that S3 deletes in one request.
const maxDelete = 1000

// Delete removes objects. A missing object is no error. It tries to remove all, and its error names
// the first one that S3 did not remove; see [ErrNotDeleted].
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	var refused error
	for batch := range slices.Chunk(keys, maxDelete) {
		in := &types.Delete{Quiet: aws.Bool(true)}
		for _, key := range batch {
			in.Objects = append(in.Objects, types.ObjectIdentifier{Key: &key})
		}
		out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name, Delete: in})
		if err != nil {
			return fmt.Errorf("delete %s: %w", batch[0], b.explain(err))
		}
		for _, e := range out.Errors {
			if refused != nil {
				break
			}
			why := b.explain(&smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)})
			if meanings[aws.ToString(e.Code)] == nil {
				why = fmt.Errorf("%w: %w", ErrNotDeleted, why)
			}
			refused = fmt.Errorf("delete %s: %w", aws.ToString(e.Key), why)
		}
	}
	return refused
}

// List returns the objects whose keys begin with prefix, in the order of their keys' bytes. After
// an error there are no more.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return b.ListAfter(ctx, prefix, "")
}

// ListAfter is [Bucket.List] without the objects up to a key.
func (b *Bucket) ListAfter(ctx context.Context, prefix, key string) iter.Seq2[Object, error] {
	in := s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	if key != "" {
		in.StartAfter = &key
	}
	return func(yield func(Object, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Object{}, fmt.Errorf("list %s: %w", prefix, b.explain(err)))
				return
			}
			for _, o := range page.Contents {
				object := Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Changed: aws.ToTime(o.LastModified), ETag: aws.ToString(o.ETag)}
				if !yield(object, nil) {
					return
				}
			}
		}
	}
}

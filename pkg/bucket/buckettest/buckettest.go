// Package buckettest is the test suite that every object store must pass before the project uses it:
// S3 and its emulators.
package buckettest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// A Backend is one implementation of the object store.
type Backend struct {
	Bucket *bucket.Bucket
	// Stranger is the same bucket, accessed with credentials that S3 does not know.
	Stranger *bucket.Bucket
	// Missing is a bucket that does not exist.
	Missing *bucket.Bucket
}

// Run tests a backend. Each test uses its own key prefix and removes its objects.
func Run(t *testing.T, b Backend) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, fixture)
	}{
		{"an object is read as it was written", roundTrip},
		{"an empty object", empty},
		{"a file is stored", file},
		{"an object is replaced", replaced},
		{"a missing object", missing},
		{"a listing has all objects in order, even thousands", manyObjects},
		{"a listing can be stopped", listingStops},
		{"conditional writes", conditions},
		{"only one of concurrent first writers succeeds", firstWriter},
		{"an unchanged object is not read again", unchanged},
		{"a link gives access to the object", link},
		{"a link supports ranges", linkRange},
		{"a forged link gives no access", forgedLink},
		{"an expired link gives no access", expiredLink},
		{"requests without a signature are refused", unsigned},
		{"a link for writing stores one object of its length", putLink},
		{"a link for writing allows nothing else", misusedPutLink},
		{"an expired link for writing stores nothing", expiredPutLink},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t, b.Bucket))
		})
	}
	t.Run("unknown credentials are denied everything", func(t *testing.T) { t.Parallel(); denied(t, b.Stranger) })
	t.Run("a missing bucket is reported", func(t *testing.T) { t.Parallel(); noBucket(t, b.Missing) })
}

// A fixture is the bucket with a key prefix for one test.
type fixture struct {
	*bucket.Bucket
	prefix string
}

func open(t *testing.T, b *bucket.Bucket) fixture {
	t.Helper()
	s := fixture{b, "buckettest/" + rand.Text() + "/"}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		var keys []string
		for o, err := range b.List(ctx, s.prefix) {
			if err != nil {
				t.Error(err)
				return
			}
			keys = append(keys, o.Key)
		}
		if err := b.Delete(ctx, keys...); err != nil {
			t.Error(err)
		}
	})
	return s
}

// put stores a small object under the prefix.
func (s fixture) put(t *testing.T, name, content string, p bucket.Put) (etag string) {
	t.Helper()
	etag, err := s.Put(t.Context(), s.prefix+name, bytes.NewReader([]byte(content)), p)
	if err != nil {
		t.Fatal(err)
	}
	return etag
}

// content reads an object.
func (s fixture) content(t *testing.T, name string) (string, bucket.Object) {
	t.Helper()
	r, o, err := s.Get(t.Context(), s.prefix+name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), o
}

// wantError checks that an error wraps want. doing names the operation.
func wantError(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", doing, err, want)
	}
}

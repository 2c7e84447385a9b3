// Package buckettest is the suite that every object store must pass before the
// project may run on it: S3 and the emulators of it.
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
	// Stranger is the same bucket in the hands of somebody whom S3 does not know.
	Stranger *bucket.Bucket
	// Missing is a bucket that was never made.
	Missing *bucket.Bucket
}

// Run tests a backend, each behaviour under a prefix of its own, of which nothing
// stays behind.
func Run(t *testing.T, b Backend) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, shelf)
	}{
		{"an object comes as it was put", roundTrip},
		{"an empty object is one", empty},
		{"a file is put", file},
		{"an object is replaced", replaced},
		{"what is not there is not found", missing},
		{"a listing has every object in order, however many", manyObjects},
		{"a listing ends when nobody wants more", listingStops},
		{"a write waits for nobody where its condition holds", conditions},
		{"of writers that want to be first one is", firstWriter},
		{"what is unchanged is not read again", unchanged},
		{"a link opens the object", link},
		{"a link answers ranges", linkRange},
		{"a link that was changed opens nothing", forgedLink},
		{"a link opens nothing after its time", expiredLink},
		{"nothing opens without a signature", unsigned},
		{"a link for writing stores one object of its length", putLink},
		{"a link for writing does nothing else", misusedPutLink},
		{"a link for writing stores nothing after its time", expiredPutLink},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t, b.Bucket))
		})
	}
	t.Run("a stranger is denied everything", func(t *testing.T) { t.Parallel(); denied(t, b.Stranger) })
	t.Run("a bucket that is not there says so", func(t *testing.T) { t.Parallel(); noBucket(t, b.Missing) })
}

// A shelf is a part of the bucket for one test.
type shelf struct {
	*bucket.Bucket
	prefix string
}

func open(t *testing.T, b *bucket.Bucket) shelf {
	t.Helper()
	s := shelf{b, "buckettest/" + rand.Text() + "/"}
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
func (s shelf) put(t *testing.T, name, content string, p bucket.Put) (etag string) {
	t.Helper()
	etag, err := s.Put(t.Context(), s.prefix+name, bytes.NewReader([]byte(content)), p)
	if err != nil {
		t.Fatal(err)
	}
	return etag
}

// content reads an object back.
func (s shelf) content(t *testing.T, name string) (string, bucket.Object) {
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

// is fails where an error does not mean what it should.
func is(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", doing, err, want)
	}
}

// Package gallery manages what the bucket shows of jobs: the pictures, which are a copy of the
// store's published folder, and the manifests, which the gallery page reads to show them.
//
//	pictures/                                    the copy, by DataSync or its stand-in; see [store.Published]
//	gallery/index.json                           the first page, see [Gallery.Update]
//	gallery/YYYY/MM/DD/HH.json                   the page of an hour with few jobs; otherwise there are
//	gallery/YYYY/MM/DD/HH/M[M[/S[S]]].json       pages of ten minutes, a minute, ten seconds or a second
//	gallery/YYYY/MM/DD/HH/pages.json             the hour's ledger: what its pages were made of
//	gallery/hours.json                           the chain: how the hours follow each other
//	index.html and its files                     the gallery page, see [Gallery.PutPage]
//
// Each page links to the next older one. An update writes a page before the page that links to it,
// then the hour's ledger, then the chain, and deletes pages last, when no page links to them. So it
// may be killed at any moment, and a repeated update continues. Concurrent updates and erasures
// detect each other by conditional writes and retry.
package gallery

import (
	"context"
	"errors"
	"io"
	"mime"
	"path"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Pictures is the prefix of the keys of pictures. The rest of a key is the name that
// [store.Published] returns.
const Pictures = "pictures/"

// CacheControl applies to pictures. They never change but may be erased, and copies in caches that
// can't be purged must expire within an hour.
const CacheControl = "max-age=3600, immutable"

// A Gallery is the gallery in a bucket. It is safe for concurrent use, also by several programs.
type Gallery struct {
	bucket  *bucket.Bucket
	maxJobs int // maximum of jobs on a page: maxPageJobs, or fewer in tests

	mu    sync.Mutex
	locks map[string]*pageLock // by span
}

// A pageLock is locked by the goroutine that changes a page.
type pageLock struct {
	sync.Mutex
	users int // goroutines that hold it or wait for it
}

// New returns the Gallery of a bucket.
func New(b *bucket.Bucket) *Gallery { return &Gallery{bucket: b, maxJobs: maxPageJobs} }

// Bucket returns the bucket.
func (g *Gallery) Bucket() *bucket.Bucket { return g.bucket }

// Has reports whether a picture is in the bucket.
func (g *Gallery) Has(ctx context.Context, name string) (bool, error) {
	_, err := g.bucket.Head(ctx, Pictures+name)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Put stores a picture in the bucket, for a caller that can't wait until DataSync copies it.
func (g *Gallery) Put(ctx context.Context, name string, picture io.ReadSeeker) error {
	_, err := g.bucket.Put(ctx, Pictures+name, picture, bucket.Put{
		ContentType: mime.TypeByExtension(path.Ext(name)), CacheControl: CacheControl,
	})
	return err
}

// linkLifetime is how long a link is valid.
const linkLifetime = 5 * time.Minute

// Link returns a URL from which a picture can be read without credentials for linkLifetime. It does
// not check that the picture exists.
func (g *Gallery) Link(ctx context.Context, name, contentType, disposition string) (string, error) {
	return g.bucket.Link(ctx, Pictures+name, bucket.Link{
		For: linkLifetime, ContentType: contentType, Disposition: disposition, CacheControl: "private, " + CacheControl,
	})
}

// Origin returns the scheme and host of links.
func (g *Gallery) Origin(ctx context.Context) (string, error) { return g.bucket.Origin(ctx) }

// Remove deletes pictures.
func (g *Gallery) Remove(ctx context.Context, names ...string) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = Pictures + name
	}
	return g.bucket.Delete(ctx, keys...)
}

// The folders of pictures below [Pictures]. The name of a picture in its folder consists of its
// job's hour and id.
const (
	results = "public/"
	thumbs  = "thumbs/"
)

// parseName returns the folder and the job of a picture's name. ok is false if the name is not of
// that kind: DataSync creates objects for directories, and other processes can write into the
// shared directory.
func parseName(kind, name string) (folder string, id job.ID, ok bool) {
	in, id, _, ok := store.ParsePublished(name)
	if !ok || in+"/" != kind {
		return "", "", false
	}
	return id.Folder(), id, true
}

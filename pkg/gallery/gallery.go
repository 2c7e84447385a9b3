// Package gallery is the jobs' pictures in the bucket: what a copy of the store's
// published folder below pictures/ is, and what the gallery page reads to show
// them.
//
//	pictures/                                    the copy, by DataSync or its like; see [store.Published]
//	gallery/index.json                           the first page, see [Gallery.Update]
//	gallery/YYYY/MM/DD/HH.json                   the page of an hour; of one with more jobs than a page shows
//	gallery/YYYY/MM/DD/HH/M[M[/S[S]]].json       those of ten minutes, minutes, ten seconds and seconds
//	gallery/YYYY/MM/DD/HH/pages.json             what an hour's pages were made of
//	gallery/hours.json                           how the hours follow each other
//	index.html and its files                     the page, see [Gallery.PutPage]
//
// Each page leads to the next older one. An update writes a page before the one that leads to
// it, then the hour's record, then the hours', and removes pages last, once nothing leads to
// them. So it may be killed at any moment, and whoever repeats it goes on. Updates at the same
// time get in each other's way, by conditional writes, and begin anew; erasures likewise.
package gallery

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"path"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Pictures is what the key of every picture begins with. What follows is its
// name as of [store.Published].
const Pictures = "pictures/"

// CacheControl is for pictures. They never change, but they are erased, and what a
// cache holds beyond our reach should not outlast that by more than an hour.
const CacheControl = "max-age=3600, immutable"

// A Gallery is what a bucket shows of the jobs. It is safe for concurrent use, by
// several programs too.
type Gallery struct {
	bucket *bucket.Bucket
	most   int // jobs on a page: mostShown, or fewer in tests

	mu    sync.Mutex
	locks map[string]*pageLock // by span
}

// A pageLock is held by whoever changes a page.
type pageLock struct {
	sync.Mutex
	users int // who hold it or wait for it
}

// New makes a Gallery of a bucket.
func New(b *bucket.Bucket) *Gallery { return &Gallery{bucket: b, most: mostShown} }

// Bucket is the bucket itself.
func (g *Gallery) Bucket() *bucket.Bucket { return g.bucket }

// Open makes a Gallery of the bucket of a name. It asks S3 once, so that a wrong
// name shows at the start; that S3 is away is logged, since whoever opens it can
// do without for a while.
func Open(ctx context.Context, cfg aws.Config, name string, log *slog.Logger) (*Gallery, error) {
	b := bucket.New(cfg, name)
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	err := b.Check(ctx)
	if errors.Is(err, bucket.ErrUnavailable) {
		log.Warn("the bucket is away", "error", err)
		err = nil
	}
	return New(b), err
}

const openTime = 5 * time.Second

// Has says whether a picture is in the bucket.
func (g *Gallery) Has(ctx context.Context, name string) (bool, error) {
	_, err := g.bucket.Head(ctx, Pictures+name)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Put copies a picture there ahead of DataSync.
func (g *Gallery) Put(ctx context.Context, name string, picture io.ReadSeeker) error {
	_, err := g.bucket.Put(ctx, Pictures+name, picture, bucket.Put{
		ContentType: mime.TypeByExtension(path.Ext(name)), CacheControl: CacheControl,
	})
	return err
}

// linkTime is how long a link opens.
const linkTime = 5 * time.Minute

// Link is an address at which anybody can GET a picture for some minutes. Whether
// it is there is not asked.
func (g *Gallery) Link(ctx context.Context, name, contentType, disposition string) (string, error) {
	return g.bucket.Link(ctx, Pictures+name, bucket.Link{
		For: linkTime, ContentType: contentType, Disposition: disposition, CacheControl: "private, " + CacheControl,
	})
}

// Origin is where links lead, scheme and host.
func (g *Gallery) Origin(ctx context.Context) (string, error) { return g.bucket.Origin(ctx) }

// Remove deletes pictures.
func (g *Gallery) Remove(ctx context.Context, names ...string) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = Pictures + name
	}
	return g.bucket.Delete(ctx, keys...)
}

// The folders of pictures, in which each has the hour and the id of its job for
// its name.
const (
	results = "public/"
	thumbs  = "thumbs/"
)

// parse takes a name apart, of a picture in a folder. In a copy there may be
// other things: DataSync makes an object for each directory, and whoever has the
// shared directory can have put anything there.
func parse(kind, name string) (folder string, id job.ID, ok bool) {
	in, id, _, ok := store.ParsePublished(name)
	if !ok || in+"/" != kind {
		return "", "", false
	}
	return id.Folder(), id, true
}

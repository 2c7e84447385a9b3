package datasync

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// compareFolders adds to n the missing pictures in folders of jobs that were made between first and
// last, if a folder has changed after since. It begins with the youngest jobs. at is the last
// folder that is done, as a sort key, where the comparison continues. It returns the first error.
func (c *Copier) compareFolders(ctx context.Context, n *findings, first, last, since time.Time, at *string) error {
	folders, failed := c.Store.PublishedSince(ctx, first, last, since.Add(-overlap))
	folders = slices.DeleteFunc(folders, func(folder string) bool { return *at != "" && sortKey(folder) >= *at })
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(sortKey(b), sortKey(a)) })
	for some := range slices.Chunk(folders, batchSize) {
		if failed = cmp.Or(failed, c.compareConcurrently(ctx, n, some)); ctx.Err() != nil || isUnavailable(failed) {
			return failed
		}
		n.changed = true
		if failed == nil {
			*at = sortKey(some[len(some)-1])
		}
	}
	return failed
}

// sortKey returns the key by which folders are sorted: the time, then the kind.
func sortKey(folder string) string {
	kind, of, _ := strings.Cut(folder, "/")
	return of + " " + kind
}

// compareConcurrently adds to n the missing pictures in folders. It returns the first error.
func (c *Copier) compareConcurrently(ctx context.Context, n *findings, folders []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	slots := make(chan struct{}, maxComparisons)
	for _, folder := range folders {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			missing, err := c.missingPictures(ctx, folder)
			mu.Lock()
			defer mu.Unlock()
			n.names = append(n.names, missing...)
			failed = cmp.Or(failed, err)
			if isUnavailable(err) {
				cancel()
			}
		})
	}
	all.Wait()
	return cmp.Or(failed, ctx.Err())
}

// isUnavailable reports whether an error concerns all folders.
func isUnavailable(err error) bool {
	return errors.Is(err, bucket.ErrUnavailable) || errors.Is(err, bucket.ErrDenied) || errors.Is(err, bucket.ErrNoBucket)
}

// missingPictures returns the pictures of a folder, without those of finer folders in it, that are
// not in the bucket. Pictures never change, so names are sufficient. It deletes pictures from the
// bucket whose jobs are gone: a copy that had opened a file before the job was erased stores it
// again.
func (c *Copier) missingPictures(ctx context.Context, folder string) ([]string, error) {
	there := map[string]bool{} // listed before the folder is read, so all of these were in the folder
	for o, err := range c.Bucket.List(ctx, c.Prefix+store.PublishedPrefix(folder)) {
		if err != nil {
			return nil, err
		}
		if name := strings.TrimPrefix(o.Key, c.Prefix); path.Dir(name) == folder {
			there[name] = true
		}
	}
	names, err := c.Store.PublishedIn(folder)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range names {
		if !there[name] {
			missing = append(missing, name)
		}
		delete(there, name)
	}
	var gone []string
	for name := range there {
		_, id, _, ok := store.ParsePublished(name)
		if !ok {
			continue
		}
		// The picture of an unknown job may be another store's.
		if _, err := c.Store.Job(id); errors.Is(err, job.ErrGone) && !errors.Is(err, job.ErrExpired) {
			gone = append(gone, c.Prefix+name)
		}
	}
	return missing, c.Bucket.Delete(ctx, gone...)
}

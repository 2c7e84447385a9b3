package datasync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// maxComparisons is the number of parts that are compared with the bucket at the same time.
const maxComparisons = 16

// A part is some folders, and a listing of the bucket that has all copies of their pictures.
type part struct {
	folders []string
	listing iter.Seq2[bucket.Object, error]
	// complete says that there are no other folders in the range of the listing, so that other
	// objects in it have no file.
	complete bool
}

// compareEach compares folders, without the finer folders in them. It returns the names of pictures
// that are missing in the bucket, the folders that could not be compared, and the gravest error, see graver.
func (c *Copier) compareEach(ctx context.Context, folders []string) (missing, unread []string, failed error) {
	byMinute := map[string][]string{}
	for _, folder := range folders {
		byMinute[minuteOf(folder)] = append(byMinute[minuteOf(folder)], folder)
	}
	var parts []part
	for minute, folders := range byMinute {
		const several = 4
		if len(folders) >= several { // one listing of the minute, instead of one for each second
			parts = append(parts, part{folders: folders, listing: c.Bucket.List(ctx, c.Prefix+minute+"/")})
			continue
		}
		for _, folder := range folders {
			parts = append(parts, part{folders: []string{folder}, listing: c.Bucket.List(ctx, c.Prefix+store.PublishedPrefix(folder))})
		}
	}
	return c.compareParts(ctx, parts)
}

// compareParts compares parts concurrently. Errors that concern all folders stop it.
func (c *Copier) compareParts(ctx context.Context, parts []part) (missing, unread []string, failed error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, maxComparisons)
	for _, p := range parts {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			names, bad, err := c.comparePart(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			missing, unread = append(missing, names...), append(unread, bad...)
			failed = graver(failed, err)
			if isUnavailable(err) {
				cancel()
			}
		})
	}
	all.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return missing, unread, failed
}

// graver returns the error, of two that may be nil, that decides how a scan goes on: one that
// concerns all folders, then errUnfinished or errManyUnread, then any other; the first of two that
// are alike. After the last kind the scan goes on; after the others it compares the same folders again.
func graver(a, b error) error {
	if gravity(b) > gravity(a) {
		return b
	}
	return a
}

func gravity(err error) int {
	switch {
	case err == nil:
		return 0
	case isUnavailable(err):
		return 3
	case errors.Is(err, errUnfinished), errors.Is(err, errManyUnread):
		return 2
	}
	return 1
}

// comparePart compares a part. Pictures never change, so names are sufficient. It deletes from the
// bucket pictures whose jobs are gone: a copy that had opened a file before the job was erased
// stores it again.
func (c *Copier) comparePart(ctx context.Context, p part) (missing, unread []string, failed error) {
	there := map[string]map[string]bool{} // by folder; listed before the folders are read, so all of these were in them
	for _, folder := range p.folders {
		there[folder] = map[string]bool{}
	}
	others := strangers{Copier: c}
	for o, err := range p.listing {
		name := strings.TrimPrefix(o.Key, c.Prefix)
		// The folder of an object that stands for a folder, and ends with a slash, is itself.
		if in := there[path.Dir(name)]; err == nil && in != nil {
			in[name] = true
		} else if err == nil && p.complete {
			err = others.add(ctx, name)
		}
		if err != nil {
			return nil, p.folders, err
		}
	}
	var gone []string
	for _, folder := range p.folders {
		names, err := c.Store.PublishedIn(folder)
		if err != nil {
			unread, failed = append(unread, folder), graver(failed, err)
			continue
		}
		for _, name := range names {
			if !there[folder][name] {
				missing = append(missing, name)
			}
			delete(there[folder], name)
		}
		for name := range there[folder] {
			if c.isGone(name, false) || p.complete && c.isGone(name, true) {
				gone = append(gone, c.Prefix+name)
			}
		}
	}
	err := c.deleteObjects(ctx, gone)
	if err == nil || errors.Is(err, errNotDeleted) {
		err = graver(err, others.delete(ctx))
	}
	return missing, unread, graver(failed, graver(err, others.refused))
}

// deleteObjects deletes objects. The error is errNotDeleted if it concerns these objects alone, so
// that they don't hold up other folders.
func (c *Copier) deleteObjects(ctx context.Context, keys []string) error {
	err := c.Bucket.Delete(ctx, keys...)
	if errors.Is(err, bucket.ErrDenied) || errors.Is(err, bucket.ErrNotDeleted) {
		err = fmt.Errorf("%w: %v", errNotDeleted, err) //nolint:errorlint // it is not isUnavailable
	}
	return err
}

// errNotDeleted: objects of jobs that are gone could not be deleted. A full comparison tries again.
var errNotDeleted = errors.New("some objects without a file could not be deleted")

// isGone reports whether a picture in the bucket that has no file must be deleted, because its job
// is gone. The picture of an unknown job may be another store's, and only a full comparison deletes
// it.
func (c *Copier) isGone(name string, all bool) bool {
	_, id, _, ok := store.ParsePublished(name)
	if !ok {
		return all && !strings.HasSuffix(name, "/")
	}
	_, err := c.Store.Job(id)
	if all {
		return errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound)
	}
	return errors.Is(err, job.ErrGone) && !errors.Is(err, job.ErrExpired)
}

func isBucketError(err error) bool {
	return errors.Is(err, bucket.ErrUnavailable) || errors.Is(err, bucket.ErrDenied) || errors.Is(err, bucket.ErrNoBucket)
}

// minuteForm is the form of a minute's folder.
const minuteForm = "2006/01/02/15/04"

// minuteOf returns the folder of a minute that a folder is in, or the folder itself.
func minuteOf(folder string) string {
	kind, of, _ := strings.Cut(folder, "/")
	return path.Join(kind, of[:min(len(of), len(minuteForm))])
}

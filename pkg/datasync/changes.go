package datasync

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

const (
	// recent is the largest age of a job that is painted for the first time. Each step checks the
	// folders of this time.
	recent = 25 * time.Hour
	// allHoursEvery is how often the folders of older hours are checked, because late retries
	// publish into them. Each folder costs a call to the file server.
	allHoursEvery = time.Hour
	// overlap is how long before the last check a change counts as new: a picture is published a
	// moment after the folder's time was read, and file systems have a limited time resolution.
	overlap = 2 * time.Second
)

// changes are the result of a check of the published folders.
type changes struct {
	changed bool     // a folder has changed since the last check
	names   []string // pictures that are not in the bucket
	all     bool     // all hours were checked
}

// findChanges compares the folders that have changed since they were last copied completely with the
// bucket.
func (c *Copier) findChanges(ctx context.Context, s *state, now time.Time) (n changes, err error) {
	first, since := now.Add(-recent), s.Copied
	if now.Sub(s.CopiedAll) >= allHoursEvery {
		n.all, first, since = true, time.Time{}, s.CopiedAll
	}
	folders, err := c.Store.PublishedSince(ctx, first, since.Add(-overlap))
	for _, folder := range folders {
		if err != nil {
			break
		}
		n.changed = true
		var missing []string
		missing, err = c.missing(ctx, folder)
		n.names = append(n.names, missing...)
	}
	return n, err
}

// missing returns the pictures of a folder that are not in the bucket. Comparing names is enough,
// because pictures never change. It removes pictures of erased jobs from the bucket: an execution that
// had opened a file before the job was erased has copied it afterwards.
func (c *Copier) missing(ctx context.Context, folder string) ([]string, error) {
	there := map[string]bool{} // listed before the folder, so that each of them was in the folder before
	for o, err := range c.Bucket.List(ctx, c.Prefix+folder+"/") {
		if err != nil {
			return nil, err
		}
		there[strings.TrimPrefix(o.Key, c.Prefix)] = true
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
		if _, err := c.Store.Job(id); errors.Is(err, job.ErrGone) {
			gone = append(gone, c.Prefix+name)
		}
	}
	return missing, c.Bucket.Delete(ctx, gone...)
}

// foldersOf returns the folders of names, sorted and without repetitions.
func foldersOf(names []string) (folders []string) {
	for _, name := range names {
		folders = append(folders, path.Dir(name))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// manifests is the start of the keys of manifests. The bucket's lifecycle rules remove them.
const manifests = "datasync/"

// putManifest stores a manifest in DataSync's format: CSV, one name per line, relative to the task's
// source location.
func (c *Copier) putManifest(ctx context.Context, now time.Time, names []string) (key string, err error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, name := range names {
		if err := w.Write([]string{name}); err != nil {
			return "", err
		}
	}
	w.Flush()
	key = manifests + now.UTC().Format("2006-01-02T15-04-05Z-") + rand.Text()[:8] + ".csv"
	_, err = c.Bucket.Put(ctx, key, strings.NewReader(b.String()), bucket.Put{ContentType: "text/csv"})
	return key, err
}

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
	// recent is how old a job may be that is painted for the first time, and so how far
	// back each step looks.
	recent = 25 * time.Hour
	// lookAtAllEvery is how often the folders of older hours are looked at, into which
	// late retries publish. Each costs a call of the file server.
	lookAtAllEvery = time.Hour
	// overlap is how long before the last look a change counts as new: a picture gets its
	// name a moment after the folder's time was read, and file systems count time in ticks.
	overlap = 2 * time.Second
)

// news is what a look at the published folders has found.
type news struct {
	changed bool     // a folder has changed since the last look
	names   []string // of pictures that are not in the bucket
	all     bool     // it was a look at all hours
}

// look compares the folders that have changed, since all in them was copied, with the
// bucket.
func (c *Copier) look(ctx context.Context, s *state, now time.Time) (n news, err error) {
	first, since := now.Add(-recent), s.Copied
	if now.Sub(s.CopiedAll) >= lookAtAllEvery {
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

// missing returns the pictures of a folder that are not in the bucket. Pictures never
// change, so that names are enough. It removes those from the bucket that are there
// although their jobs are gone: a copy that had opened a file brings it back when the job
// is erased meanwhile.
func (c *Copier) missing(ctx context.Context, folder string) ([]string, error) {
	there := map[string]bool{} // listed before the folder, so that what is there has been in that
	_, hour, _ := strings.Cut(folder, "/")
	for o, err := range c.Bucket.List(ctx, c.Prefix+folder+"/"+store.IDsIn(hour)) { // none of finer folders in it
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

// mostFolders is of how many folders the pictures of an execution are at most: they are noted, for the gallery.
const mostFolders = 1500

// first are the names in the first folders, as many as an execution takes.
func first(names []string) []string {
	folders := foldersOf(names)
	if len(folders) <= mostFolders {
		return names
	}
	last := folders[mostFolders-1]
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return path.Dir(name) > last })
}

// foldersOf are the folders of names.
func foldersOf(names []string) (folders []string) {
	for _, name := range names {
		folders = append(folders, path.Dir(name))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// manifests is what the keys of manifests begin with. The bucket's lifecycle rules remove
// them.
const manifests = "datasync/"

// putManifest stores a manifest as DataSync reads it: CSV, a name in each line, relative
// to the task's source location.
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

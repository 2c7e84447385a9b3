package datasync

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// maxNames is about the number of names in a manifest. DataSync's quota for one execution from EFS
// to S3 is 25 million files, objects and folders of source and destination together ("Basic mode
// tasks, between AWS storage services", https://docs.aws.amazon.com/datasync/latest/userguide/datasync-limits.html),
// of which a name takes at most some ten. This is far less, because a step holds the names in
// memory, and an execution that ends with an error is checked as a whole: about 16 MB, and the
// results of 20 minutes at 116 jobs a second.
const maxNames = 250_000

// manifestPrefix is the prefix of the keys of manifests. The bucket's lifecycle rules remove them.
const manifestPrefix = "datasync/"

// putManifest stores a manifest in DataSync's format: CSV with one name per line, relative to the
// task's source location.
func (c *Copier) putManifest(ctx context.Context, now time.Time, names []string) (key string, err error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	slices.Sort(names)
	for _, name := range names {
		if err := w.Write([]string{name}); err != nil {
			return "", err
		}
	}
	w.Flush()
	key = manifestPrefix + now.UTC().Format("2006-01-02T15-04-05Z-") + rand.Text()[:8] + ".csv"
	_, err = c.Bucket.Put(ctx, key, strings.NewReader(b.String()), bucket.Put{ContentType: "text/csv"})
	return key, err
}

// getManifest returns the names in a manifest.
func (c *Copier) getManifest(ctx context.Context, key string) ([]string, error) {
	body, _, err := c.Bucket.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	defer body.Close()
	rows, err := csv.NewReader(body).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", key, err)
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row[0]
	}
	return names, nil
}

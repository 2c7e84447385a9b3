package datasync

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

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

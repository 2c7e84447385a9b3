package datasync

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The folder of a minute is not forgotten while its hour can't be listed, because it is then unknown
// which seconds the minute has.
func TestUnreadMinuteOfUnlistedHour(t *testing.T) {
	c := newCopier(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<ListBucketResult></ListBucketResult>") })
	name := publish(t, c.Store, job.Second, false)
	minute := path.Dir(path.Dir(name))
	hour := filepath.Join(c.Store.PublishedDir(), path.Dir(minute))
	if err := os.Chmod(hour, 0o300); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(hour, 0o750) }() // so that it can be removed
	if _, err := os.ReadDir(hour); err == nil {
		t.Skip("root can read every folder")
	}
	soon := time.Now().Add(time.Minute)
	if _, unread, err := c.compareUnread(t.Context(), []string{minute}, soon); err != nil || !slices.Equal(unread, []string{minute}) {
		t.Errorf("while the hour can't be listed: unread %q, %v", unread, err)
	}
	if err := os.Chmod(hour, 0o750); err != nil {
		t.Fatal(err)
	}
	missing, unread, err := c.compareUnread(t.Context(), []string{minute}, soon)
	if err != nil || len(unread) > 0 || !slices.Equal(missing, []string{name}) {
		t.Errorf("once it can be listed: missing %q, unread %q, %v", missing, unread, err)
	}
}

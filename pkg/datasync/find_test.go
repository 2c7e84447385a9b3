package datasync

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Folders that can't be compared hold up others only if they are very many. One that is found again
// counts once.
func TestManyUnread(t *testing.T) {
	for _, test := range []struct {
		name  string
		bad   int
		waits bool
	}{
		{"seventy", 70, false},
		{"more than a hundred", 110, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCopier(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.FormValue("prefix"), "pictures/private/") {
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, "<Error><Code>InvalidArgument</Code></Error>") // concerns no other folders
					return
				}
				fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
			})
			good := publish(t, c.Store, job.Hour, true)
			now, err := c.Store.Now()
			if err != nil {
				t.Fatal(err)
			}
			for i := range test.bad {
				folder := filepath.Join(c.Store.PublishedDir(), "private", job.Second.Folder(now.Add(-time.Duration(i)*5*time.Second)))
				// A time in the future makes each scan find the folder again, as one that can't be read.
				future := now.Add(time.Hour)
				if err := errors.Join(os.MkdirAll(folder, 0o750), os.Chtimes(folder, future, future)); err != nil {
					t.Fatal(err)
				}
			}
			s := state{Scans: newScans(now)}
			s.Scans[full].Copied = now
			for step := range 2 {
				n, err := c.find(t.Context(), &s, now)
				if err == nil || errors.Is(err, errManyUnread) != test.waits {
					t.Errorf("step %d: got error %v", step, err)
				}
				if found := len(n.names) == 1 && n.names[0] == good; found == test.waits {
					t.Errorf("step %d: found %q, want %s: %t", step, n.names, good, !test.waits)
				}
				s.Scans, s.Unread = n.next, n.unread
			}
		})
	}
}

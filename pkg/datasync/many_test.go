package datasync_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// testManyFolders: where each second has a folder there may be more than fit into what is noted of an execution.
func testManyFolders(r *rig) {
	r.copied()
	r.later(time.Minute)
	const folders = 1600
	for i := range folders {
		ms := time.Now().Add(-time.Hour).UnixMilli() + int64(i)*1000
		id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(job.Second)))
		path := filepath.Join(r.store.PublishedDir(), store.Published(id, "jpeg", false)[0])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte("picture"), 0o600)); err != nil {
			r.Fatal(err)
		}
	}
	copied := func() (n int) {
		for o, err := range r.bucket.List(r.Context(), "pictures/private/") {
			if err != nil {
				r.Fatal(err)
			}
			if strings.HasSuffix(o.Key, ".jpeg") {
				n++
			}
		}
		return n
	}
	executions := 0
	for before := copied(); executions < 4; executions++ {
		r.step()
		now := copied()
		if now == before {
			break
		}
		before = now
	}
	if n := copied(); n != folders || executions != 2 {
		r.Errorf("%d pictures of %d were copied, by %d executions", n, folders, executions)
	}
}

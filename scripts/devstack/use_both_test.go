package main_test

import (
	"os"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// Daemon and functions process one queue at once, and no job is painted by both.
func TestUseDaemonAndFunctionsOnOneQueue(t *testing.T) {
	d := start(t, "both")
	picture := apitest.Stripes(t, 640, 480)
	var ids []job.ID
	seen := map[string]int{}
	waitFor(t, func() bool {
		batch := make([]job.ID, 6)
		for i := range batch {
			batch[i] = d.submit(picture)
		}
		for _, id := range batch {
			j := d.painted(id)
			if j.Receipt == nil || j.Attempts != 1 {
				t.Fatalf("job %s: %+v", id, j)
			}
			seen[j.Receipt.Worker]++
		}
		ids = append(ids, batch...)
		return seen["daemon"] > 0 && seen["lambda"] > 0
	})
	if len(seen) != 2 {
		t.Errorf("%d jobs were painted by %v", len(ids), seen)
	}
	d.end(os.Interrupt)
	noTemporaryFiles(t, d.dir)
}

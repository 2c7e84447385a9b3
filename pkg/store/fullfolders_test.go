package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// If another user of the file system fills a folder with names, not all of them are read, and other
// owners' jobs are still swept.
func TestFoldersFullOfNamesAreReadInPart(t *testing.T) {
	sc := newScene(t)
	sc.most = 1600
	const names = 5000
	crowded := filepath.Join(sc.dir, activeDir, ownerFolder("ben"))
	err := os.MkdirAll(crowded, 0o750)
	for range names {
		id, nerr := job.NewID()
		err = errors.Join(err, nerr, os.WriteFile(filepath.Join(crowded, string(id)), nil, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	id, err := sc.submitAs("anna")
	if err != nil {
		t.Fatal(err)
	}
	if read, err := sc.list(crowded); err != nil || len(read) != sc.most {
		t.Errorf("%d names were read, want %d; %v", len(read), sc.most, err)
	}
	active, err := sc.Active()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range active {
		seen[e.owner]++
	}
	if n := seen[ownerFolder("ben")]; n != sc.most || seen[ownerFolder("anna")] != 1 {
		t.Errorf("jobs found in the crowded folder: %d; of the other owner: %d", n, seen[ownerFolder("anna")])
	}
	if _, err := sc.Checkup(EntryOf(job.Job{ID: id, Owner: "anna"}), time.Now(), time.Hour); err != nil {
		t.Error(err)
	}
}

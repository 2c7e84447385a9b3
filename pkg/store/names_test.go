package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Whoever fills a folder with names, as a neighbour on the file system may, neither has
// them all read nor keeps other owners' jobs from the sweeper.
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
		t.Errorf("%d names were read, and should be %d; %v", len(read), sc.most, err)
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
		t.Errorf("seen of the crowd: %d; of the other owner: %d", n, seen[ownerFolder("anna")])
	}
	if _, err := sc.Checkup(EntryOf(job.Job{ID: id, Owner: "anna"}), time.Now(), time.Hour); err != nil {
		t.Error(err)
	}
}

package sweeper_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Files that a worker leaves after the first reconciliation of an hour are removed by the last one.
func TestLateFilesAreRemoved(t *testing.T) {
	st := newSweepTest(t)
	id := st.submitIn(time.Now().Add(-30*time.Hour), 1)
	if _, err := st.store.Cancel(id); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, name := range []string{"out.9", ".tmp-LATE"} {
		path := filepath.Join(st.store.Dir(), "jobs", id.Folder(), string(id), name)
		if err := os.WriteFile(path, []byte("late"), 0o600); err != nil {
			t.Fatal(err)
		}
		left = append(left, path)
	}
	st.sweeps(1)
	for _, path := range left {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

// A cursor in the future, from a clock that was wrong, does not stop the reconciliation: it finds
// names that were lost in a power failure.
func TestCursorInTheFuture(t *testing.T) {
	st := newSweepTest(t)
	future := job.Hour.Folder(time.Now().Add(1000 * time.Hour))
	note := fmt.Sprintf(`{"tasks": {"reconciliation": {"after": %q}, "last reconciliation": {"after": %q}}}`, future, future)
	if err := st.store.SetNote(store.SweepNote, []byte(note)); err != nil {
		t.Fatal(err)
	}
	id := st.submitIn(time.Now().Add(-3*time.Hour), 1)
	lost := 0
	for _, tree := range []string{"active", "owners"} {
		err := filepath.WalkDir(filepath.Join(st.store.Dir(), tree), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), string(id)) {
				lost++
				err = os.Remove(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	st.sweeps(1)
	if active, err := st.store.Active(); lost != 2 || err != nil || len(active) != 1 || active[0].ID != id {
		t.Errorf("%d names were removed; active: %v, %v", lost, active, err)
	}
	for name, task := range st.progress().Tasks {
		if task.After > job.Hour.Folder(time.Now()) {
			t.Errorf("the cursor of %s is %s", name, task.After)
		}
	}
}

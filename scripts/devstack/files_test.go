package main_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// noTemporaryFiles checks that the shared directory has no unfinished files.
func noTemporaryFiles(t *testing.T, dir string) {
	t.Helper()
	shared := filepath.Join(dir, "shared")
	err := filepath.WalkDir(shared, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(strings.TrimPrefix(path, shared), "tmp") {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// oneOutcome checks that a run has exactly one outcome, after any crashes and redeliveries.
func (d *demo) oneOutcome(id job.ID) {
	d.Helper()
	if finals, err := filepath.Glob(filepath.Join(jobDir(d.dir, id), "final.*")); err != nil || len(finals) != 1 {
		d.Errorf("job %s has the outcomes %v, %v", id, finals, err)
	}
}

func jobDir(dir string, id job.ID) string {
	return filepath.Join(dir, "shared", "jobs", id.Folder(), string(id))
}

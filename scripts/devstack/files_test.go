package main_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// noTemporaryFiles: what is left in the shared directory is whole.
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

// oneOutcome: whatever died and came twice, a run has ended once.
func (d *demo) oneOutcome(id job.ID) {
	d.Helper()
	if finals, err := filepath.Glob(filepath.Join(jobDir(d.dir, id), "final.*")); err != nil || len(finals) != 1 {
		d.Errorf("job %s has the outcomes %v, %v", id, finals, err)
	}
}

func jobDir(dir string, id job.ID) string {
	return filepath.Join(dir, "shared", "jobs", id.Time().Format("2006/01/02/15"), string(id))
}

// claimant is the process that holds a job's claim.
func claimant(t *testing.T, dir string, id job.ID) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(jobDir(dir, id), "claim.1"))
	if err != nil {
		t.Fatal(err)
	}
	var claim struct{ Worker string }
	if err := json.Unmarshal(b, &claim); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(claim.Worker[strings.LastIndex(claim.Worker, "/")+1:])
	if err != nil || pid < 2 {
		t.Fatalf("claimed by %q", claim.Worker)
	}
	return pid
}

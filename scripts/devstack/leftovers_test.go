package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// settled waits until no work is left, and checks the files of painted jobs.
func (d *demo) settled(ids ...job.ID) {
	d.Helper()
	waitFor(d.T, func() bool { return len(d.active()) == 0 })
	for _, id := range ids {
		d.tidy(id)
	}
}

// active returns the jobs that are not finished, or not cleaned up yet.
func (d *demo) active() (ids []job.ID) {
	d.Helper()
	err := filepath.WalkDir(filepath.Join(d.dir, "shared", "active"), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err == nil && !e.IsDir() {
			ids = append(ids, job.ID(e.Name()))
		}
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return ids
}

func isClaim(name string) bool { return strings.HasPrefix(name, "claim.") }

// tidy checks that a painted job has exactly the expected files.
func (d *demo) tidy(id job.ID) {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(jobDir(d.dir, id), "final.1"))
	var final struct {
		Claim  int
		Public bool
	}
	if err == nil {
		err = json.Unmarshal(b, &final)
	}
	if err != nil {
		d.Errorf("job %s: %v", id, err)
		return
	}
	want := []string{"final.1", "input", fmt.Sprintf("out.%d", final.Claim), "preview", "spec.json", "status.json"}
	if final.Public {
		want = append(want, fmt.Sprintf("thumb.%d", final.Claim))
	}
	got := slices.DeleteFunc(d.files(id), isClaim)
	if !slices.Equal(got, want) {
		d.Errorf("job %s has %q, want %q and its claims", id, got, want)
	}
	if of := d.files(id); !slices.Contains(of, fmt.Sprintf("claim.%d", final.Claim)) {
		d.Errorf("job %s has %q and is painted by claim %d", id, of, final.Claim)
	}
}

// onlyJobs checks that there are no drafts and no partly erased jobs beside the jobs.
func (d *demo) onlyJobs() {
	d.Helper()
	err := filepath.WalkDir(filepath.Join(d.dir, "shared", "jobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), ".") {
			d.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		d.Error(err)
	}
}

// swept checks that the next sweep removes what killed processes left in tmp/, if it is old enough.
func (d *demo) swept() {
	d.Helper()
	tmp := filepath.Join(d.dir, "shared", "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		d.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		path := filepath.Join(tmp, e.Name())
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err == nil { // otherwise a running process has removed it
			left = append(left, path)
		}
	}
	d.Logf("%d files were left in tmp/", len(left))
	waitFor(d.T, func() bool {
		return !slices.ContainsFunc(left, func(path string) bool { _, err := os.Stat(path); return err == nil })
	})
}

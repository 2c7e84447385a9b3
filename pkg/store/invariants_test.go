package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// checkFinished checks the invariants of a finished job.
func (sc scene) checkFinished(j job.Job) {
	sc.Helper()
	if left := sc.leftovers(); len(left) > 0 {
		sc.Errorf("left behind: %v", left)
	}
	finals, err := filepath.Glob(filepath.Join(sc.jobDir(j.ID), fmt.Sprintf("final.%d", j.Run)))
	if err != nil || len(finals) != 1 {
		sc.Errorf("outcomes of run %d: %v, %v", j.Run, finals, err)
	}
	outs, err := filepath.Glob(filepath.Join(sc.jobDir(j.ID), "out.*"))
	if err != nil {
		sc.Fatal(err)
	}
	thumbs, err := filepath.Glob(filepath.Join(sc.jobDir(j.ID), "thumb.*"))
	if err != nil {
		sc.Fatal(err)
	}
	result, err := sc.content(sc.Result(j.ID))
	switch j.State {
	case job.Succeeded:
		if err != nil {
			sc.Fatal(err)
		}
		if int64(len(result)) != j.Result.Bytes {
			sc.Errorf("the result has %d bytes, and should have %d", len(result), j.Result.Bytes)
		}
		if len(outs) != 1 || len(thumbs) > 1 || !j.Public && len(thumbs) != 0 {
			sc.Errorf("pictures: %v, thumbnails: %v", outs, thumbs)
		}
	default:
		if !errors.Is(err, job.ErrNotFinished) || len(outs) != 0 || len(thumbs) != 0 {
			sc.Errorf("result of a job that is %s: %v; pictures: %v, thumbnails: %v", j.State, err, outs, thumbs)
		}
	}
	sc.checkPublished(j, result)
	sc.checkReadersAgree(j.ID)
}

// checkPublished checks that published/ has the complete result of the only job, and nothing else.
func (sc scene) checkPublished(j job.Job, result string) {
	sc.Helper()
	want := map[string]string{}
	if j.State == job.Succeeded {
		names := Published(j.ID, j.Format, j.Public)
		want[names[0]] = result
		if j.Public {
			thumb, err := sc.content(sc.Thumbnail(j.ID))
			if err != nil || thumb != result && thumb != result+", small" {
				sc.Errorf("the thumbnail of %q is %q, %v", result, thumb, err)
			}
			want[names[1]] = thumb
		}
	}
	if got := sc.allPublished(); !maps.Equal(got, want) {
		sc.Errorf("published: %q, want %q", got, want)
	}
}

// allPublished returns the files below published/ and their content.
func (sc scene) allPublished() map[string]string {
	sc.Helper()
	files := map[string]string{}
	dir := os.DirFS(sc.PublishedDir())
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var b []byte
			b, err = fs.ReadFile(dir, path)
			files[path] = string(b)
		}
		return err
	})
	if err != nil {
		sc.Fatal(err)
	}
	return files
}

// checkReadersAgree checks that the status and the events show the same job.
func (sc scene) checkReadersAgree(id job.ID) {
	sc.Helper()
	status, err := sc.readRecord(id, statusFile)
	if err != nil {
		sc.Fatal(err)
	}
	derived, err := sc.readFromEvents(id)
	if err != nil {
		sc.Fatal(err)
	}
	if a, b := fmt.Sprintf("%+v", asJSON(sc.T, status.public())), fmt.Sprintf("%+v", asJSON(sc.T, derived.public())); a != b {
		sc.Errorf("the status is\n%s\nand the events show\n%s", a, b)
	}
}

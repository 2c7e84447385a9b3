package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// A job whose records are all unreadable can be erased, and then counts for no owner.
func TestDamagedJobIsErased(t *testing.T) {
	for name, damage := range map[string]func(path, others string) error{
		"the spec is a link": func(path, others string) error {
			spec := filepath.Join(path, specFile)
			return errors.Join(os.Remove(spec), os.Symlink(filepath.Join(others, "file"), spec))
		},
		"the spec is removed": func(path, _ string) error { return os.Remove(filepath.Join(path, specFile)) },
		"the folder is a link": func(path, others string) error {
			return errors.Join(os.RemoveAll(path), os.Symlink(others, path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			others := t.TempDir()
			if err := os.WriteFile(filepath.Join(others, "file"), []byte("of another program"), 0o600); err != nil {
				t.Fatal(err)
			}
			id, err := sc.submitAs("anna")
			if err != nil {
				t.Fatal(err)
			}
			l, err := sc.Claim(t.Context(), id, 1, "w")
			if err == nil {
				err = paint(l, "painted")
			}
			if err == nil {
				err = damage(sc.jobDir(id), others)
			}
			if err == nil {
				err = sc.Erase(id, Erased)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
				t.Errorf("the job: %v", err)
			}
			sc.sweep()
			var left []string
			_ = filepath.WalkDir(sc.dir, func(path string, d fs.DirEntry, err error) error {
				if err == nil && strings.Contains(path, string(id)) && !strings.Contains(path, "/"+goneDir+"/") {
					left = append(left, path)
				}
				return nil
			})
			if len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if b, err := os.ReadFile(filepath.Join(others, "file")); err != nil || string(b) != "of another program" {
				t.Errorf("others' file: %q, %v", b, err)
			}
		})
	}
}

// A job whose records are all unreadable is ended when it is too old, and then frees its quota.
func TestDamagedJobEnds(t *testing.T) {
	sc := newScene(t)
	a := sc.withQuotas(Quotas{Unfinished: 1})
	id, err := a.submitAs("anna")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{specFile, statusFile} {
		path := filepath.Join(sc.jobDir(id), name)
		if err := errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sc.Job(id); !errors.Is(err, job.ErrDamagedJob) {
		t.Errorf("the job: %v", err)
	}
	if _, err := sc.Fail(id, 1, job.Failure{Code: job.CodeTimedOut}); err != nil {
		t.Fatal(err)
	}
	sc.sweep()
	if j, err := sc.Job(id); err != nil || j.State != job.Failed || j.Error.Code != job.CodeTimedOut || j.Owner != "" {
		t.Errorf("%+v, %v", j, err)
	}
	eventually(t, func() error { return a.Admits("anna", "") })
}

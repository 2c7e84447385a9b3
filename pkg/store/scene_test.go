package store

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A scene is a store with what tests need besides.
type scene struct {
	*testing.T
	*Store
	submission *job.Spec // for tests that keep one
	running    **Lease   // for tests that keep one
}

func newScene(t *testing.T) scene {
	t.Helper()
	s, err := Open(Config{Dir: t.TempDir(), Lease: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return scene{t, s, new(job.Spec), new(*Lease)}
}

func (sc scene) spec() *job.Spec {
	sc.Helper()
	id, err := job.NewID()
	if err != nil {
		sc.Fatal(err)
	}
	return &job.Spec{ID: id, Style: "some-style", Strength: 1, Size: 512, Format: "jpeg", Quality: 90,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 3, Height: 2}}
}

func (sc scene) create() job.ID {
	sc.Helper()
	return sc.createAs(false)
}

func (sc scene) createAs(public bool) job.ID {
	sc.Helper()
	spec := sc.spec()
	spec.Public = public
	if err := sc.Create(spec, []byte("picture"), nil); err != nil {
		sc.Fatal(err)
	}
	return spec.ID
}

func (sc scene) createAndClaim() *Lease {
	sc.Helper()
	return sc.createAndClaimAs(false)
}

func (sc scene) createAndClaimAs(public bool) *Lease {
	sc.Helper()
	l, err := sc.Claim(sc.Context(), sc.createAs(public), 1, "tester")
	if err != nil {
		sc.Fatal(err)
	}
	return l
}

// expire makes all leases of a job expire, except of claims that were given back.
func (sc scene) expire(id job.ID) {
	sc.Helper()
	claims, err := filepath.Glob(filepath.Join(sc.jobDir(id), "claim.*"))
	if err != nil {
		sc.Fatal(err)
	}
	for _, path := range claims {
		if at, err := sc.modTime(path); err != nil || at.After(time.Unix(100, 0)) {
			old := time.Now().Add(-48 * time.Hour)
			if err := errors.Join(err, os.Chtimes(path, old, old)); err != nil {
				sc.Fatal(err)
			}
		}
	}
}

// leftovers lists the files in tmp/ and active/, and temporary files and folders of jobs.
func (sc scene) leftovers() (left []string) {
	sc.Helper()
	err := filepath.WalkDir(sc.dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(sc.dir, path)
		top, rest, _ := strings.Cut(rel, "/")
		if rest != "" && (top == tmpDir || top == activeDir && !d.IsDir() || strings.HasPrefix(d.Name(), ".")) {
			left = append(left, rel)
		}
		return err
	})
	if err != nil {
		sc.Fatal(err)
	}
	return left
}

// paint ends a run with a picture and its thumbnail.
func paint(l *Lease, picture string) error {
	return l.Succeed([]byte(picture), []byte(picture+", small"), job.Result{}, job.Receipt{})
}

// makeKeyFolder makes the folder of a key, which exists in a store that has had some thousands of
// keys.
func (sc scene) makeKeyFolder(key string) {
	sc.Helper()
	if err := os.MkdirAll(filepath.Dir(sc.keyPath(key)), 0o750); err != nil {
		sc.Fatal(err)
	}
}

// content reads what Result or Thumbnail opened.
func (sc scene) content(f *os.File, _ job.Job, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The checks find each kind of damage to a shared directory in which all jobs have ended, and to its bucket.
func TestFindsDamage(t *testing.T) {
	t.Parallel()
	o := programs(t)
	sc, err := choose([]string{"undisturbed"})
	if err != nil {
		t.Fatal(err)
	}
	o.Jobs, o.Keep = 20, true
	r := o.try(t.Context(), sc[0], newProgress(os.Stderr))
	if !r.ok() {
		t.Fatalf("got %+v", r)
	}
	whole := filepath.Join(r.Folder, "shared")
	l := &load{}
	for _, file := range files(t, whole, "published/p*/*/*/*/*/*") {
		sum := sha256.Sum256(read(t, file))
		l.pictures = append(l.pictures, &picture{sha256: hex.EncodeToString(sum[:])})
	}
	remove := func(pattern string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(files(t, dir, pattern)[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	add := func(pattern, name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			write(t, filepath.Join(files(t, dir, pattern)[0], name), []byte("x"))
		}
	}
	const jobs = "jobs/*/*/*/*/*-*"
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string // "" is nothing
	}{
		"nothing":                     {func(*testing.T, string) {}, ""},
		"a result is not published":   {remove("published/p*/*/*/*/*/*"), "there is no published/"},
		"a thumbnail is missing":      {remove("published/thumbs/*/*/*/*/*"), "there is no published/thumbs"},
		"a job is gone":               {remove(jobs), "which is not there"},
		"a job's picture is gone":     {remove(jobs + "/out.*"), "its pictures are"},
		"a second picture is left":    {add(jobs, "out.7"), "its pictures are"},
		"a temporary file is left":    {add(jobs, ".tmp-x"), "left behind: jobs/"},
		"a job is in no index":        {remove("owners/*/*/*/*/*/*"), "0 times in the index"},
		"a message is being prepared": {add("tmp", "x"), "left behind: tmp/x"},
		"an entry is active":          {add("active", "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c"), "left behind: active/"},
		"a picture is of no job":      {add("published", "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c.png"), "is of no result"},
		"a published picture is another": {func(t *testing.T, dir string) {
			write(t, files(t, dir, "published/p*/*/*/*/*/*")[0], []byte("x"))
		}, "not what an undisturbed run makes"},
		"a thumbnail is another": {func(t *testing.T, dir string) {
			write(t, files(t, dir, "published/thumbs/*/*/*/*/*")[0], []byte("x"))
		}, "published/thumbs/"},
		"an erased job is there": {func(t *testing.T, dir string) {
			id := filepath.Base(files(t, dir, jobs)[0])
			write(t, filepath.Join(dir, "gone", id), []byte("{}"))
		}, "was erased, and is there"},
		"an upload is pending":  {add("uploads", "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c.7"), "left behind: uploads/"},
		"an outcome is missing": {remove(jobs + "/final.1"), "0 outcomes of 1 runs"},
		"a job has not ended": {func(t *testing.T, dir string) {
			for _, pattern := range []string{"/final.*", "/status.json"} {
				remove(jobs+pattern)(t, dir)
			}
		}, "no process looks after it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "shared")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			c.damage(t, dir)
			f := &finding{Ended: map[string]int{}}
			s := &stack{settings: &settings{dir: dir}}
			if err := s.examineDirectory(l, nil, f); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(f.Wrong, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	findsDamageOfBucket(t, o, whole)
}

// files returns the names below a folder that match a pattern. The test fails if there are none.
func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: got %q, %v", pattern, all, err)
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write makes or replaces a file. Other hard links to a replaced file keep the old contents.
func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

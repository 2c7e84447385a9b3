package store

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Only names that the store makes are removed by their age.
func TestForeignNamesAreNotCleanedUp(t *testing.T) {
	sc := newScene(t)
	for _, name := range []string{"tmp/notes", "tmp/folder/file", "keys/notes", "keys/f/notes", "keys/f/00/notes", "keys/folder/file", "tmp/" + rand.Text() + "/file"} {
		path := filepath.Join(sc.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	later := time.Now().Add(72 * time.Hour)
	_, err := sc.ForgetKeys(context.Background(), "", later)
	if err := errors.Join(err, sc.CleanUp(context.Background(), later, time.Hour)); err != nil {
		t.Error(err)
	}
	for pattern, want := range map[string]int{"tmp/notes": 1, "tmp/*/file": 2, "keys/notes": 1, "keys/f/notes": 1, "keys/f/00/notes": 1, "keys/*/file": 1} {
		if got, err := filepath.Glob(filepath.Join(sc.dir, pattern)); err != nil || len(got) != want {
			t.Errorf("%s: %d are left, want %d", pattern, len(got), want)
		}
	}
}

// A folder is removed although other processes write into it until they notice that: a worker, for
// example, replaces the status of a job after the outcome, in a folder that it has open.
func TestFolderIsRemovedWhileOthersWrite(t *testing.T) {
	sc := newScene(t)
	tree := filepath.Join(sc.dir, "tree")
	late := 0
	for range 300 {
		if err := errors.Join(os.Mkdir(tree, 0o750), os.WriteFile(filepath.Join(tree, specFile), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		folder, err := os.OpenRoot(tree)
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan bool)
		go func() {
			for {
				if _, err := folder.Lstat(specFile); err != nil { // removed last, so the folder is next
					wrote <- folder.WriteFile("late", nil, 0o600) == nil
					return
				}
			}
		}()
		err = sc.removeTree(tree)
		if <-wrote {
			late++
		}
		if errors.Is(err, errInUse) { // on NFS, while the late file is open
			err = sc.removeTree(tree)
		}
		if err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(tree); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the folder is still there: %v", err)
		}
		_ = folder.Close() // read only
	}
	t.Logf("%d of 300 were written into", late)
}

// Links in a tree are removed and not followed, and a tree that is deeper than any of the store's is
// an error.
func TestRemoveTreeFollowsNoLinks(t *testing.T) {
	sc := newScene(t)
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(sc.dir, "tree")
	if err := errors.Join(os.MkdirAll(filepath.Join(tree, "a/b"), 0o750), os.Symlink(elsewhere, filepath.Join(tree, "a/link")),
		os.Symlink(elsewhere, filepath.Join(sc.dir, "link"))); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		if err := os.WriteFile(filepath.Join(tree, "a", strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{tree, filepath.Join(sc.dir, "link"), filepath.Join(sc.dir, "nothing")} {
		if err := sc.removeTree(path); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "file")); err != nil {
		t.Error(err)
	}
	deep := tree
	for range 100 {
		deep = filepath.Join(deep, "d")
	}
	if err := os.MkdirAll(deep, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := sc.removeTree(tree); err == nil {
		t.Error("a tree 100 folders deep was removed")
	}
}

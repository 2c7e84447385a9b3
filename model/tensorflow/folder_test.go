package tensorflow

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/model"
)

// TestRefusesFolders checks that files outside of the folder are not read, nor TensorFlow's other
// forms of a model.
func TestRefusesFolders(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.CopyFS(outside, os.DirFS("../testdata/full")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		edit func(dir string) error
		want string
	}{
		{"text form only", func(dir string) error {
			return os.Rename(filepath.Join(dir, "saved_model.pb"), filepath.Join(dir, "saved_model.pbtxt"))
		}, "saved_model.pbtxt is not supported"},
		{"in chunks too", func(dir string) error { return os.WriteFile(filepath.Join(dir, "saved_model.cpb"), nil, 0o666) },
			"saved_model.cpb exists"},
		{"graph outside", func(dir string) error { return link(outside, dir, "saved_model.pb") },
			"saved_model.pb must be inside of the model's folder"},
		{"variables outside", func(dir string) error { return link(outside, dir, "variables/variables.data-00000-of-00001") },
			"variables.data-00000-of-00001 must be inside of the model's folder"},
		{"folder of variables outside", func(dir string) error { return link(outside, dir, "variables") },
			"must be inside of the model's folder"},
		{"pipe", func(dir string) error {
			name := filepath.Join(dir, "variables/variables.index")
			return errors.Join(os.Remove(name), syscall.Mkfifo(name, 0o666))
		}, "variables/variables.index is not a regular file"},
		{"pipe that TensorFlow would read", func(dir string) error {
			return syscall.Mkfifo(filepath.Join(dir, "fingerprint.pb"), 0o666)
		}, "fingerprint.pb is not a regular file"},
		{"too many files of variables", func(dir string) error {
			var errs []error
			for i := range maxVariableFiles {
				errs = append(errs, os.WriteFile(filepath.Join(dir, fmt.Sprintf("variables/more-%d", i)), nil, 0o666))
			}
			return errors.Join(errs...)
		}, "variables has more than 64 files"},
		{"files of variables too large in total", func(dir string) error {
			var errs []error
			for _, name := range []string{"a", "b"} { // sparse files
				name = filepath.Join(dir, "variables", name)
				errs = append(errs, os.WriteFile(name, nil, 0o666), os.Truncate(name, maxVariables/2))
			}
			return errors.Join(errs...)
		}, "variables has more than 4294967296 bytes"},
		{"too large", func(dir string) error { return os.Truncate(filepath.Join(dir, "saved_model.pb"), maxFile+1) },
			"saved_model.pb has 536870913 bytes, at most 536870912 are accepted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.CopyFS(dir, os.DirFS("../testdata/full")), tt.edit(dir)); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, dir, "none", tt.want)
		})
	}
}

// link replaces a file of a folder by a link to the same file in another folder.
func link(from, dir, name string) error {
	return errors.Join(os.RemoveAll(filepath.Join(dir, name)), os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)))
}

// TestLinksWithin checks that a folder may be reached through a link, and contain links.
func TestLinksWithin(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(filepath.Join(dir, "blobs"), os.DirFS("../testdata/hub")),
		os.Symlink(filepath.Join("blobs", "saved_model.pb"), filepath.Join(dir, "saved_model.pb")),
		os.Symlink(dir, dir+"-link")); err != nil {
		t.Fatal(err)
	}
	m, err := Load(model.Config{Dir: dir + "-link"})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

package modeltest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model"
)

func (e Engine) info(t *testing.T) {
	m := e.Open(t, "full")
	got := m.Info()
	if got.Name != "known-1" || !got.Vectors || !strings.Contains(got.Engine, " ") {
		t.Errorf("got %+v, want known-1 with vectors, on a library with its version", got)
	}
	for _, want := range []string{"predict_style", "transform"} {
		if !slices.Contains(got.Signatures, want) || !slices.IsSorted(got.Signatures) {
			t.Errorf("got signatures %q, want them sorted and to include %s", got.Signatures, want)
		}
	}
	if want := []string{"blue", "grey", "red"}; !slices.Equal(got.Styles, want) {
		t.Errorf("got styles %q, want %q", got.Styles, want)
	}
	if got.Threads < 1 || got.Concurrent < 1 {
		t.Errorf("got %d threads and %d concurrent images, want the effective defaults", got.Threads, got.Concurrent)
	}
	got.Styles[0] = "changed"
	if m.Info().Styles[0] != "blue" {
		t.Error("Info returned the model's own slice")
	}
}

func (e Engine) unnamed(t *testing.T) {
	if got := e.Open(t, "odd-vector").Info(); got.Name != "odd-vector" || len(got.Styles) > 0 {
		t.Errorf("got %+v, want the folder's name and no styles", got)
	}
}

// A Refusal is a folder that an engine must refuse: one of the test models or, if Build is set, one
// that Build makes.
type Refusal struct {
	Name  string
	Build func(f *Folder)
	Want  []string // texts that the error must contain
}

// Refuses checks that each folder is refused, with an error that contains the folder's name.
func (e Engine) Refuses(t *testing.T, refusals []Refusal) {
	for _, r := range refusals {
		t.Run(r.Name, func(t *testing.T) {
			dir := filepath.Join(e.Testdata, r.Name)
			if r.Build != nil {
				dir = t.TempDir()
				r.Build(&Folder{t, e, dir})
			}
			m, err := e.Load(model.Config{Dir: dir})
			if err == nil {
				t.Fatal("got a model, want an error", m.Close())
			}
			for _, want := range append(r.Want, "model "+dir+": ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want one containing %q", err, want)
				}
			}
		})
	}
}

// A Folder is the folder of a model that a test makes.
type Folder struct {
	t   *testing.T
	e   Engine
	dir string
}

func (f *Folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// Copy copies a test model into the folder.
func (f *Folder) Copy(name string) {
	f.t.Helper()
	f.must(os.CopyFS(f.dir, os.DirFS(filepath.Join(f.e.Testdata, name))))
}

// Read returns the contents of a file.
func (f *Folder) Read(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	f.must(err)
	return string(b)
}

// Write replaces a file.
func (f *Folder) Write(name, content string) {
	f.t.Helper()
	f.must(os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o666))
}

// Truncate truncates a file to half its size.
func (f *Folder) Truncate(name string) {
	f.t.Helper()
	f.Write(name, f.Read(name)[:len(f.Read(name))/2])
}

// Remove removes a file or subfolder; "" is the folder itself.
func (f *Folder) Remove(name string) {
	f.t.Helper()
	f.must(os.RemoveAll(filepath.Join(f.dir, name)))
}

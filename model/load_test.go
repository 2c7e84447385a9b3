package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	m := load1(t, "full")
	got := m.Info()
	if got.Name != "known-1" || !got.Vectors || !strings.HasPrefix(got.Engine, "tensorflow 2.") {
		t.Errorf("got %+v, want known-1 with vectors on tensorflow 2.x", got)
	}
	if want := []string{"predict_style", "serving_default", "transform"}; !slices.Equal(got.Signatures, want) {
		t.Errorf("got signatures %q, want %q", got.Signatures, want)
	}
	if want := []string{"blue", "grey", "red"}; !slices.Equal(got.Styles, want) {
		t.Errorf("got styles %q, want %q", got.Styles, want)
	}
	if got.Threads < 1 || got.Concurrent < 1 {
		t.Errorf("got %d threads and %d concurrent images, want the defaults in force", got.Threads, got.Concurrent)
	}
	got.Styles[0] = "changed"
	if m.Info().Styles[0] != "blue" {
		t.Error("Info handed out the model's own slice")
	}
}

func TestLoadWithoutStylesFile(t *testing.T) {
	if got := load1(t, "hub").Info(); got.Name != "hub" || got.Vectors || len(got.Styles) > 0 {
		t.Errorf("got %+v, want the folder's name and no vectors", got)
	}
}

// TestLoadRefuses names a folder of testdata, or one that build makes, and what
// the one error must say.
func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		dir   string
		build func(t *testing.T, dir string)
		want  []string
	}{
		{dir: "bad-names", want: []string{
			"serving_default has no input placeholder, only content, style",
			"has no input placeholder_1", "has no output output_0, only stylized",
			"expected: serving_default (placeholder float32 [1,H,W,3]",
		}},
		{dir: "bad-dtype", want: []string{"serving_default's input placeholder is uint8 [1,?,?,3], not float32 [1,?,?,3]", "expected: "}},
		{dir: "bad-rank", want: []string{"input placeholder is float32 [1,?,3], not float32 [1,?,?,3]", "expected: "}},
		{dir: "bad-channels", want: []string{"input placeholder_1 is float32 [1,?,?,4], not float32 [1,?,?,3]", "expected: "}},
		{dir: "bad-widths", want: []string{"predict_style makes vectors of 100 numbers, transform takes 64", "expected: "}},
		{dir: "bad-tag", want: []string{`no graph in saved_model.pb is tagged "serve": tagged are ["train"]`}},
		{dir: "no-serving-default", want: []string{"no signature serving_default, only other", "expected: "}},
		{dir: "no-transform", want: []string{"predict_style without transform", "expected: "}},
		{dir: "missing folder", want: []string{"no such file or directory"}},
		{dir: "empty folder", build: func(t *testing.T, dir string) {}, want: []string{"no SavedModel in ", "saved_model.pb: no such file"}},
		{dir: "file", build: func(t *testing.T, dir string) {
			remove(t, dir)
			write(t, dir, "not a folder")
		}, want: []string{"is no folder"}},
		{dir: "empty file", build: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "saved_model.pb"), "")
		}, want: []string{"damaged, or something other than a SavedModel"}},
		{dir: "garbage", build: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "saved_model.pb"), "<html>404 not found</html>")
		}, want: []string{"damaged, or something other than a SavedModel"}},
		{dir: "truncated graph", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			truncate(t, filepath.Join(dir, "saved_model.pb"))
		}, want: []string{"damaged, or something other than a SavedModel"}},
		{dir: "damaged graph", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			path := filepath.Join(dir, "saved_model.pb")
			b := read(t, path)
			write(t, path, strings.ReplaceAll(string(b), "StatefulPartitionedCall", "StatefulPartitionedFall"))
		}, want: []string{"TensorFlow cannot load it: "}},
		{dir: "truncated variables", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			truncate(t, filepath.Join(dir, "variables/variables.data-00000-of-00001"))
		}, want: []string{"TensorFlow cannot load it: "}},
		{dir: "truncated index", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			truncate(t, filepath.Join(dir, "variables/variables.index"))
		}, want: []string{"TensorFlow cannot load it: "}},
		{dir: "no variables", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			remove(t, filepath.Join(dir, "variables"))
		}, want: []string{"variables.index: no such file or directory"}},
		{dir: "bad styles", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			write(t, filepath.Join(dir, "styles.json"), `{"model": "x", "vectors": `)
		}, want: []string{"styles.json: unexpected end of JSON input"}},
		{dir: "short vector", build: func(t *testing.T, dir string) {
			copyModel(t, "full", dir)
			write(t, filepath.Join(dir, "styles.json"), `{"model": "x", "vectors": {"red": [1, 0]}}`)
		}, want: []string{`styles.json: the vector of "red" has 2 numbers, the model's have 100`}},
	}
	for _, tt := range tests {
		t.Run(tt.dir, func(t *testing.T) {
			dir := filepath.Join("testdata", tt.dir)
			if tt.build != nil {
				dir = t.TempDir()
				tt.build(t, dir)
			}
			m, err := Load(Config{Dir: dir})
			if err == nil {
				m.Close()
				t.Fatal("got a model, want an error")
			}
			for _, want := range append(tt.want, "model "+dir+": ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want one with %q", err, want)
				}
			}
		})
	}
}

func TestLoadMissingFolderIsErrNotExist(t *testing.T) {
	if _, err := Load(Config{Dir: "testdata/missing folder"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want an error that is fs.ErrNotExist", err)
	}
}

func TestConfigValidate(t *testing.T) {
	err := Config{Threads: -1, Concurrent: 5000}.Validate()
	for _, want := range []string{"folder is not given", "threads must be 0 (the default) to 1024, not -1", "concurrent images must be 0 (the default) to 1024, not 5000"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if err := (Config{Dir: "x"}).Validate(); err != nil {
		t.Errorf("got %v for a folder alone, want nil", err)
	}
}

// load1 loads a model of testdata and closes it after the test.
func load1(t *testing.T, name string) *Model {
	t.Helper()
	m, err := Load(Config{Dir: filepath.Join("testdata", name)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func copyModel(t *testing.T, name, dir string) {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// truncate cuts a file in half.
func truncate(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, int64(len(read(t, path))/2)); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

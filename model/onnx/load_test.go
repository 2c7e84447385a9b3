package onnx

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/modeltest"
)

var suite = modeltest.Engine{
	Load:     func(cfg model.Config) (*model.Model, error) { return Load(Config{Config: cfg}) },
	Testdata: "../testdata",
}

func TestEngine(t *testing.T) { modeltest.Run(t, suite) }

func TestShipped(t *testing.T) { suite.Shipped(t, "../atelier") }

// TestGolden compares with the pictures that TensorFlow, the reference, has painted.
func TestGolden(t *testing.T) { suite.Golden(t, "../atelier", false) }

func TestInfo(t *testing.T) {
	got := suite.Open(t, "full").Info()
	if !strings.HasPrefix(got.Engine, "onnxruntime 1.") {
		t.Errorf("got engine %q, want onnxruntime 1.x", got.Engine)
	}
	if want := []string{"predict_style", "transform"}; !slices.Equal(got.Signatures, want) {
		t.Errorf("got signatures %q, want %q", got.Signatures, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	suite.Refuses(t, []modeltest.Refusal{
		{Name: "bad-names", Want: []string{
			"transform.onnx has no output output_0, only stylized", "transform.onnx has an additional input, strength",
			"predict_style.onnx has no input style, only placeholder",
			"expected: transform.onnx (content float32 [1,3,H,W]",
		}},
		{Name: "bad-dtype", Want: []string{"transform.onnx's input content is uint8 [1,3,?,?], not float32 [1,3,?,?]", "expected: "}},
		{Name: "bad-rank", Want: []string{"transform.onnx's input content is float32 [1,3,?], not float32 [1,3,?,?]", "expected: "}},
		{Name: "bad-channels", Want: []string{"predict_style.onnx's input style is float32 [1,4,?,?], not float32 [1,3,?,?]", "expected: "}},
		{Name: "fixed-size", Want: []string{
			"transform.onnx's input content is float32 [1,3,384,384], not float32 [1,3,?,?]",
			"transform.onnx's output output_0 is float32 [1,3,384,384], not",
			"predict_style.onnx's input style is float32 [1,3,224,224], not float32 [1,3,?,?]", "H and W open, h and w open or 256",
		}},
		{Name: "bad-widths", Want: []string{"predict_style.onnx makes vectors of 100 numbers, transform.onnx takes 64", "expected: "}},
		{Name: "open-width", Want: []string{"neither predict_style.onnx nor transform.onnx says how many numbers a vector has", "expected: "}},
		{Name: "hub", Want: []string{"transform.onnx: no such file", "model/train/export.py writes it", "a SavedModel only is enough for a worker with TensorFlow"}},
		{Name: "no predictor", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Remove("predict_style.onnx")
		}, Want: []string{"predict_style.onnx: no such file", "model/train/export.py writes it"}},
		{Name: "empty file", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Write("transform.onnx", "")
		}, Want: []string{"transform.onnx: the file is damaged, or is not an ONNX model"}},
		{Name: "garbage", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Write("predict_style.onnx", "<html>404 not found</html>")
		}, Want: []string{"predict_style.onnx: the file is damaged, or is not an ONNX model"}},
		{Name: "truncated", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Truncate("transform.onnx")
		}, Want: []string{"transform.onnx: the file is damaged, or is not an ONNX model"}},
		{Name: "damaged transformer", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Write("transform.onnx", strings.ReplaceAll(f.Read("transform.onnx"), "Split", "Slice"))
		}, Want: []string{"ONNX Runtime cannot load transform.onnx: ", "Slice"}},
		{Name: "damaged predictor", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Write("predict_style.onnx", strings.ReplaceAll(f.Read("predict_style.onnx"), "Pad", "Mod"))
		}, Want: []string{"ONNX Runtime cannot load predict_style.onnx: ", "Mod"}},
	})
}

// libraryVariable is set in the processes that the tests start: the library to use.
const libraryVariable = "ATELIER_TEST_LIBRARY"

func TestMain(m *testing.M) {
	if library := os.Getenv(libraryVariable); library != "" {
		_, err := Load(Config{Config: model.Config{Dir: "../testdata/full"}, Library: library})
		fmt.Println(errors.Is(err, ErrLibrary), err)
		return
	}
	if err := openLibrary(DefaultLibrary()); err != nil {
		fmt.Printf("%v: run scripts/setup, then eval \"$(scripts/env)\"\n", err)
		if os.Getenv("CI") != "" {
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// TestLibrary starts a process for each case, because a process uses one library only.
func TestLibrary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for library, want := range map[string]string{
		"missing/libonnxruntime.so": "cannot open shared object file",
		"load_test.go":              "load_test.go: ",
		"libc.so.6":                 "OrtGetApiBase",
	} {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), libraryVariable+"="+library)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(out); !strings.HasPrefix(got, "true model ../testdata/full: ") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want an ErrLibrary with %q", library, got, want)
		}
	}
}

// TestNoTelemetry checks that ONNX Runtime does not store an identifier of the device and a database
// of events in the home folder, as it does by default.
func TestNoTelemetry(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command(self)
	for _, v := range os.Environ() { // without the variables of CI systems, where it collects nothing
		if name, _, _ := strings.Cut(v, "="); name == "LD_LIBRARY_PATH" || name == "PATH" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, libraryVariable+"="+DefaultLibrary(), "HOME="+home, "TMPDIR="+home)
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "false <nil>") {
		t.Fatalf("got %q, %v, want a model", out, err)
	}
	left, err := os.ReadDir(home)
	if err != nil || len(left) > 0 {
		t.Errorf("got %v, %v in the home folder, want nothing", left, err)
	}
}

func TestSecondLibrary(t *testing.T) {
	suite.Open(t, "full")
	_, err := Load(Config{Config: model.Config{Dir: "../testdata/full"}, Library: "elsewhere/libonnxruntime.so"})
	if !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), "this process already uses "+DefaultLibrary()) {
		t.Errorf("got %v, want an ErrLibrary that names both libraries", err)
	}
}

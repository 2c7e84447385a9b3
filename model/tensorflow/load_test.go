package tensorflow

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/model/modeltest"
)

var suite = modeltest.Engine{Load: Load, Testdata: "../testdata"}

func TestEngine(t *testing.T) { modeltest.Run(t, suite) }

func TestShipped(t *testing.T) { suite.Shipped(t, "../atelier") }

// update makes the reference rewrite the golden pictures, which ONNX Runtime must match.
var update = flag.Bool("update", false, "rewrite the golden pictures in model/testdata/golden")

func TestGolden(t *testing.T) { suite.Golden(t, "../atelier", *update) }

func TestInfo(t *testing.T) {
	got := suite.Open(t, "full").Info()
	if !strings.HasPrefix(got.Engine, "tensorflow 2.") {
		t.Errorf("got engine %q, want tensorflow 2.x", got.Engine)
	}
	if want := []string{"predict_style", "serving_default", "transform"}; !slices.Equal(got.Signatures, want) {
		t.Errorf("got signatures %q, want %q", got.Signatures, want)
	}
	if got := suite.Open(t, "hub").Info(); got.Vectors || len(got.Styles) > 0 {
		t.Errorf("got %+v for a model of the hub, want no vectors", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	suite.Refuses(t, []modeltest.Refusal{
		{Name: "bad-names", Want: []string{
			"serving_default has no input placeholder, only content, style",
			"has no input placeholder_1", "has no output output_0, only stylized",
			"expected: serving_default (placeholder float32 [1,H,W,3]",
		}},
		{Name: "bad-dtype", Want: []string{"serving_default's input placeholder is uint8 [1,?,?,3], not float32 [1,?,?,3]", "expected: "}},
		{Name: "bad-rank", Want: []string{"input placeholder is float32 [1,?,3], not float32 [1,?,?,3]", "expected: "}},
		{Name: "bad-channels", Want: []string{"input placeholder_1 is float32 [1,?,?,4], not float32 [1,?,?,3]", "expected: "}},
		{Name: "fixed-size", Want: []string{
			"input placeholder is float32 [1,384,384,3], not float32 [1,?,?,3]",
			"input placeholder_1 is float32 [1,384,384,3], not float32 [1,?,?,3]",
			"output output_0 is float32 [1,384,384,3], not", "H and W open, h and w open or 256",
		}},
		{Name: "bad-widths", Want: []string{"predict_style makes vectors of 100 numbers, transform takes 64", "expected: "}},
		{Name: "bad-tag", Want: []string{`no graph in saved_model.pb is tagged "serve"; the tags are ["train"]`}},
		{Name: "no-serving-default", Want: []string{"no signature serving_default, only other", "expected: "}},
		{Name: "no-transform", Want: []string{"predict_style without transform", "expected: "}},
		{Name: "empty folder", Build: func(f *modeltest.Folder) {}, Want: []string{"no SavedModel in ", "saved_model.pb: no such file"}},
		{Name: "empty file", Build: func(f *modeltest.Folder) {
			f.Write("saved_model.pb", "")
		}, Want: []string{"damaged, or is not a SavedModel"}},
		{Name: "garbage", Build: func(f *modeltest.Folder) {
			f.Write("saved_model.pb", "<html>404 not found</html>")
		}, Want: []string{"damaged, or is not a SavedModel"}},
		{Name: "truncated graph", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Truncate("saved_model.pb")
		}, Want: []string{"damaged, or is not a SavedModel"}},
		{Name: "damaged graph", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Write("saved_model.pb", strings.ReplaceAll(f.Read("saved_model.pb"), "AddV2", "Floor"))
		}, Want: []string{"TensorFlow cannot load it: "}},
		{Name: "truncated variables", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Truncate("variables/variables.data-00000-of-00001")
		}, Want: []string{"TensorFlow cannot load it: "}},
		{Name: "truncated index", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Truncate("variables/variables.index")
		}, Want: []string{"TensorFlow cannot load it: "}},
		{Name: "no variables", Build: func(f *modeltest.Folder) {
			f.Copy("full")
			f.Remove("variables")
		}, Want: []string{"variables.index: no such file or directory"}},
	})
}

// Package magentatest provides tests with a stand-in for Magenta's network.
package magentatest

import (
	"os"
	"path/filepath"
	"testing"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Teacher returns a folder with the network of the shipped model in place of Magenta's transformer,
// with Magenta's signature.
func Teacher(t *testing.T, shipped string) string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(shipped, "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	model := new(corepb.SavedModel)
	if err := proto.Unmarshal(file, model); err != nil {
		t.Fatal(err)
	}
	own := model.MetaGraphs[0].SignatureDef["transform"]
	own.Inputs = map[string]*corepb.TensorInfo{"content": own.Inputs["content"], "style_vector": own.Inputs["vector"]}
	model.MetaGraphs[0].SignatureDef = map[string]*corepb.SignatureDef{"serving_default": own}
	if file, err = proto.Marshal(model); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "transformer"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "transformer", "saved_model.pb"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

package yardstick

import (
	"fmt"
	"os"
	"path/filepath"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Teacher writes a SavedModel, into a folder, with the graph of the teacher's transformer
// and the signatures that model/tensorflow wants. Only transform is what it says:
// there is no predictor, whose weights would count as the transformer's memory, and
// what predict_style and serving_default name instead is never run, since the vectors
// of the styles must lie beside it.
func Teacher(teacher, into string) error {
	path := filepath.Join(teacher, "transformer", "saved_model.pb")
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	model := new(corepb.SavedModel)
	if err := proto.Unmarshal(file, model); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if n := len(model.GetMetaGraphs()); n != 1 {
		return fmt.Errorf("%s: one graph is expected in it, not %d", path, n)
	}
	own := model.MetaGraphs[0].GetSignatureDef()["serving_default"]
	content, vector, painted := own.GetInputs()["content"], own.GetInputs()["style_vector"], own.GetOutputs()["output_0"]
	if content == nil || vector == nil || painted == nil {
		return fmt.Errorf("%s: serving_default (content, style_vector) -> output_0 is expected in it", path)
	}
	model.MetaGraphs[0].SignatureDef = map[string]*corepb.SignatureDef{
		"transform":       {Inputs: tensors{"content": content, "vector": vector}, Outputs: tensors{"output_0": painted}},
		"predict_style":   {Inputs: tensors{"style": content}, Outputs: tensors{"vector": vector}},
		"serving_default": {Inputs: tensors{"placeholder": content, "placeholder_1": content}, Outputs: tensors{"output_0": painted}},
	}
	if file, err = proto.Marshal(model); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "saved_model.pb"), file, 0o600)
}

type tensors = map[string]*corepb.TensorInfo

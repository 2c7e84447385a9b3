// Package magenta converts Magenta's network, which is not part of this repository, to a model that
// workers can load.
package magenta

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Model writes a model into an existing folder, with Magenta's transformer from the folder
// transformer of teacher and the style vectors of the shipped model, which have the same format.
func Model(teacher, shipped, into string) error {
	return errors.Join(transformer(teacher, into), vectors(shipped, into))
}

// vectors writes a styles.json with the vectors of another model under a different model name,
// because only the shipped model may have its name.
func vectors(from, into string) error {
	b, err := os.ReadFile(filepath.Join(from, "styles.json"))
	if err != nil {
		return err
	}
	var styles map[string]json.RawMessage
	if err := json.Unmarshal(b, &styles); err != nil {
		return err
	}
	styles["model"] = json.RawMessage(`"teacher"`)
	if b, err = json.Marshal(styles); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "styles.json"), b, 0o600)
}

// transformer writes a SavedModel with the graph of the transformer and the signatures that
// model/tensorflow requires. Only the signature transform has its real function: there is no
// predictor, whose weights would count as the transformer's memory, and the functions named for
// predict_style and serving_default are never run, because the style vectors are stored beside the
// model.
func transformer(teacher, into string) error {
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
		return fmt.Errorf("%s: expected one graph, got %d", path, n)
	}
	own := model.MetaGraphs[0].GetSignatureDef()["serving_default"]
	content, vector, painted := own.GetInputs()["content"], own.GetInputs()["style_vector"], own.GetOutputs()["output_0"]
	if content == nil || vector == nil || painted == nil {
		return fmt.Errorf("%s: expected the signature serving_default (content, style_vector) -> output_0", path)
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

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Of the predictor's nodes in the joined graph.
const predictorPrefix = "style_predictor/"

// joinTeacher writes a SavedModel that model/tensorflow loads, with its three
// signatures, out of the teacher's two, whose graphs it leaves as they are: the
// transformer's vector may be fed, and comes from the predictor where it is not.
func joinTeacher(teacher, into string) error {
	predictor, err := readSavedModel(filepath.Join(teacher, "style_predictor"))
	if err != nil {
		return err
	}
	model, err := readSavedModel(filepath.Join(teacher, "transformer"))
	if err != nil {
		return err
	}
	reads, paints := predictor.MetaGraphs[0].GetSignatureDef()["serving_default"], model.MetaGraphs[0].GetSignatureDef()["serving_default"]
	style, made := reads.GetInputs()["style"], reads.GetOutputs()["output_0"]
	content, taken, painted := paints.GetInputs()["content"], paints.GetInputs()["style_vector"], paints.GetOutputs()["output_0"]
	if style == nil || made == nil || content == nil || taken == nil || painted == nil {
		return errors.New("the teacher's signatures are others: style -> output_0 and content, style_vector -> output_0 are expected")
	}
	for _, t := range []*corepb.TensorInfo{style, made} {
		t.Encoding = &corepb.TensorInfo_Name{Name: predictorPrefix + t.GetName()}
	}

	graph := model.MetaGraphs[0].GraphDef
	vector, _, _ := strings.Cut(taken.GetName(), ":")
	for _, node := range graph.Node {
		if node.Name == vector {
			node.Op, node.Input = "PlaceholderWithDefault", []string{made.GetName()}
		}
	}
	graph.Node = append(graph.Node, prefixed(predictor.MetaGraphs[0].GraphDef)...)
	model.MetaGraphs[0].SignatureDef = map[string]*corepb.SignatureDef{
		"serving_default": {Inputs: tensors{"placeholder": content, "placeholder_1": style}, Outputs: tensors{"output_0": painted}},
		"predict_style":   {Inputs: tensors{"style": style}, Outputs: tensors{"vector": made}},
		"transform":       {Inputs: tensors{"content": content, "vector": taken}, Outputs: tensors{"output_0": painted}},
	}
	file, err := proto.Marshal(model)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "saved_model.pb"), file, 0o600)
}

type tensors = map[string]*corepb.TensorInfo

// prefixed is a graph's nodes under names of their own.
func prefixed(graph *graph_go_proto.GraphDef) []*node_def_go_proto.NodeDef {
	for _, node := range graph.Node {
		node.Name = predictorPrefix + node.Name
		for i, input := range node.Input {
			after, control := strings.CutPrefix(input, "^") // it only waits for that one
			if node.Input[i] = predictorPrefix + after; control {
				node.Input[i] = "^" + node.Input[i]
			}
		}
	}
	return graph.Node
}

// readSavedModel reads a SavedModel that is one frozen graph.
func readSavedModel(dir string) (*corepb.SavedModel, error) {
	path := filepath.Join(dir, "saved_model.pb")
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	model := new(corepb.SavedModel)
	if err := proto.Unmarshal(file, model); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if n := len(model.MetaGraphs); n != 1 || len(model.MetaGraphs[0].GetGraphDef().GetLibrary().GetFunction()) > 0 {
		return nil, fmt.Errorf("%s: it has %d graphs or functions: one frozen graph is expected", path, n)
	}
	return model, nil
}

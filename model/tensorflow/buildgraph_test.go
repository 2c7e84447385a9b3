package tensorflow

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

type (
	nodeProto  = node_def_go_proto.NodeDef
	attrs      = map[string]*attr_value_go_proto.AttrValue
	attrProto  = attr_value_go_proto.AttrValue
	savedProto = corepb.SavedModel
	metaProto  = corepb.MetaGraphDef
)

func ofType(t types_go_proto.DataType) *attrProto {
	return &attrProto{Value: &attr_value_go_proto.AttrValue_Type{Type: t}}
}

func noTypes() *attrProto {
	return &attrProto{Value: &attr_value_go_proto.AttrValue_List{List: &attr_value_go_proto.AttrValue_ListValue{}}}
}

func ofText(s string) *attrProto {
	return &attrProto{Value: &attr_value_go_proto.AttrValue_S{S: []byte(s)}}
}

func ofFunction(name string) *attrProto {
	return &attrProto{Value: &attr_value_go_proto.AttrValue_Func{Func: &attr_value_go_proto.NameAttrList{Name: name}}}
}

func constant(name string, tensor *tensor_go_proto.TensorProto) *nodeProto {
	tensor.TensorShape = new(tensor_shape_go_proto.TensorShapeProto)
	return &nodeProto{Name: name, Op: "Const", Attr: attrs{
		"dtype": ofType(tensor.Dtype), "value": {Value: &attr_value_go_proto.AttrValue_Tensor{Tensor: tensor}},
	}}
}

func text(name, value string) *nodeProto {
	return constant(name, &tensor_go_proto.TensorProto{Dtype: types_go_proto.DataType_DT_STRING, StringVal: [][]byte{[]byte(value)}})
}

func yes(name string) *nodeProto {
	return constant(name, &tensor_go_proto.TensorProto{Dtype: types_go_proto.DataType_DT_BOOL, BoolVal: []bool{true}})
}

// writing returns nodes of which "write" creates a file.
func writing(target string) []*nodeProto {
	return []*nodeProto{text("path", target), text("content", "owned"), {Name: "write", Op: "WriteFile", Input: []string{"path", "content"}}}
}

// inFunction returns the nodes of writing for a function, where inputs have other names.
func inFunction(target string) []*nodeProto {
	nodes := writing(target)
	nodes[2].Input = []string{"path:output:0", "content:output:0"}
	return nodes
}

// functionOf returns a function without arguments that runs all of its nodes.
func functionOf(name string, nodes ...*nodeProto) *function_go_proto.FunctionDef {
	last := nodes[len(nodes)-1].Name
	return &function_go_proto.FunctionDef{
		Signature: &op_def_go_proto.OpDef{Name: name, IsStateful: true, ControlOutput: []string{last}},
		NodeDef:   nodes, ControlRet: map[string]string{last: last},
	}
}

// call returns a node that calls a function without arguments.
func call(node, function string) *nodeProto {
	return &nodeProto{Name: node, Op: "StatefulPartitionedCall", Attr: attrs{"Tin": noTypes(), "Tout": noTypes(), "f": ofFunction(function)}}
}

// unchanged returns a function that returns its argument, a bool.
func unchanged(name string) *function_go_proto.FunctionDef {
	arg := func(name string) []*op_def_go_proto.OpDef_ArgDef {
		return []*op_def_go_proto.OpDef_ArgDef{{Name: name, Type: types_go_proto.DataType_DT_BOOL}}
	}
	return &function_go_proto.FunctionDef{
		Signature: &op_def_go_proto.OpDef{Name: name, InputArg: arg("x"), OutputArg: arg("y")},
		NodeDef:   []*nodeProto{{Name: "same", Op: "Identity", Input: []string{"x"}, Attr: attrs{"T": ofType(types_go_proto.DataType_DT_BOOL)}}},
		Ret:       map[string]string{"y": "same:output:0"},
	}
}

// forever returns an endless loop, whose condition and body are a function of unchanged.
func forever(node, input, function string) *nodeProto {
	one := &attrProto{Value: &attr_value_go_proto.AttrValue_List{List: &attr_value_go_proto.AttrValue_ListValue{
		Type: []types_go_proto.DataType{types_go_proto.DataType_DT_BOOL},
	}}}
	return &nodeProto{Name: node, Op: "While", Input: []string{input}, Attr: attrs{"T": one, "cond": ofFunction(function), "body": ofFunction(function)}}
}

func add(g *metaProto, nodes ...*nodeProto) { g.GraphDef.Node = append(g.GraphDef.Node, nodes...) }

func addFunctions(g *metaProto, fns ...*function_go_proto.FunctionDef) {
	if g.GraphDef.Library == nil {
		g.GraphDef.Library = new(function_go_proto.FunctionDefLibrary)
	}
	g.GraphDef.Library.Function = append(g.GraphDef.Library.Function, fns...)
}

// withPicture makes a node run with each picture.
func withPicture(g *metaProto, node string) {
	name, _, _ := strings.Cut(g.SignatureDef["serving_default"].Outputs["output_0"].GetName(), ":")
	if transform := g.SignatureDef["transform"]; transform != nil {
		name, _, _ = strings.Cut(transform.Outputs["output_0"].GetName(), ":")
	}
	n := find(g.GraphDef.Node, name)
	n.Input = append(n.Input, "^"+node)
}

func find(nodes []*nodeProto, name string) *nodeProto {
	for _, n := range nodes {
		if n.Name == name {
			return n
		}
	}
	panic("no such node")
}

// restoring returns the function of the model "full" that reads its variables.
func restoring(g *metaProto) *function_go_proto.FunctionDef {
	for _, fn := range g.GraphDef.Library.Function {
		if strings.HasPrefix(fn.Signature.Name, "__inference__traced_restore") {
			return fn
		}
	}
	panic("no such function")
}

func read(t testing.TB, dir string) *savedProto {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	m := new(savedProto)
	if err := proto.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package tensorflow

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
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

// wantRefused loads a hostile model. It must be refused with the wanted texts, and not by TensorFlow.
// If it is accepted, it paints, and target shows what it can do.
func wantRefused(t *testing.T, dir, target string, want ...string) {
	t.Helper()
	m, err := Load(model.Config{Dir: dir})
	if err == nil {
		defer m.Close()
		photo := swatch.Filled(8, 8, swatch.Orange)
		_, painted := m.Stylize(t.Context(), style.Request{Content: photo, Picture: photo, Strength: 1})
		t.Errorf("got a model, and the error %v from painting", painted)
	} else if strings.Contains(err.Error(), "TensorFlow cannot load it") {
		t.Errorf("TensorFlow has loaded it: %v", err)
	}
	for _, w := range want {
		if err != nil && !strings.Contains(err.Error(), w) {
			t.Errorf("got error %q, want one containing %q", err, w)
		}
	}
	if b, err := os.ReadFile(target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the model has created a file with %q (%v)", b, err)
	}
}

// TestRefusesHostileGraphs covers graphs that would do more than compute.
func TestRefusesHostileGraphs(t *testing.T) {
	full := "full" // has functions, variables and a saver; "hub" has only a graph
	tests := []struct {
		name string
		of   string
		edit func(g *metaProto, target string)
		want []string
	}{
		{"writes with each picture", "hub", func(g *metaProto, target string) {
			add(g, writing(target)...)
			withPicture(g, "write")
		}, []string{`node "write" has the operation "WriteFile"`, "model/tensorflow/ops.go", "export it"}},
		{"writes in an unused node", "hub", func(g *metaProto, target string) { add(g, writing(target)...) },
			[]string{`node "write" has the operation "WriteFile"`}},
		{"writes in a function", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("inner", inFunction(target)...), functionOf("outer", call("call", "inner")))
			add(g, call("hidden", "outer"))
			withPicture(g, "hidden")
		}, []string{`node "write" of function "inner" has the operation "WriteFile"`}},
		{"writes in a branch", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("branch", inFunction(target)...))
			add(g, yes("yes"), &nodeProto{Name: "if", Op: "If", Input: []string{"yes"}, Attr: attrs{
				"Tcond": ofType(types_go_proto.DataType_DT_BOOL), "Tin": noTypes(), "Tout": noTypes(),
				"then_branch": ofFunction("branch"), "else_branch": ofFunction("branch"),
			}})
			withPicture(g, "if")
		}, []string{`node "write" of function "branch" has the operation "WriteFile"`}},
		{"writes in a function that a list names", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("listed", inFunction(target)...))
			g.GraphDef.Node[0].Attr["branches"] = &attrProto{Value: &attr_value_go_proto.AttrValue_List{List: &attr_value_go_proto.AttrValue_ListValue{
				Func: []*attr_value_go_proto.NameAttrList{{Name: "listed"}},
			}}}
		}, []string{`of function "listed" has the operation "WriteFile"`}},
		{"writes when it is initialised", "hub", func(g *metaProto, target string) {
			add(g, writing(target)...)
			g.SignatureDef["__saved_model_init_op"] = &corepb.SignatureDef{Outputs: map[string]*corepb.TensorInfo{
				"__saved_model_init_op": {Encoding: &corepb.TensorInfo_Name{Name: "write"}},
			}}
		}, []string{`node "write" has the operation "WriteFile"`}},
		{"writes when its variables are read", full, func(g *metaProto, target string) {
			add(g, writing(target)...)
			restore := find(g.GraphDef.Node, g.SaverDef.RestoreOpName)
			restore.Input = append(restore.Input, "^write")
		}, []string{`node "write" has the operation "WriteFile"`}},
		{"calls an operation as a function", full, func(g *metaProto, target string) {
			c := call("call", "WriteFile")
			c.Input = []string{"path", "content"}
			c.Attr["Tin"].GetList().Type = []types_go_proto.DataType{types_go_proto.DataType_DT_STRING, types_go_proto.DataType_DT_STRING}
			add(g, append(writing(target)[:2], c)...)
			withPicture(g, "call")
		}, []string{`node "call" calls the function "WriteFile", which is not in saved_model.pb`}},
		{"a function with the name of an operation", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("Identity", &nodeProto{Name: "nothing", Op: "NoOp"}))
		}, []string{"a function has the name of an operation, Identity"}},
		{"functions of the same name", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("one", &nodeProto{Name: "nothing", Op: "NoOp"}), functionOf("one", inFunction(target)...))
		}, []string{`two functions have the name "one"`}},
		{"nodes of the same name", "hub", func(g *metaProto, target string) {
			add(g, &nodeProto{Name: "twin", Op: "NoOp"}, &nodeProto{Name: "twin", Op: "NoOp"})
		}, []string{`node "twin" occurs twice`}},
		{"saves with each picture", full, func(g *metaProto, target string) { withPicture(g, "StatefulPartitionedCall_2") },
			[]string{"reads or writes files when the model is initialised or paints"}},
		{"saves when its variables are read", full, func(g *metaProto, target string) {
			g.SaverDef.RestoreOpName = strings.TrimSuffix(g.SaverDef.SaveTensorName, ":0")
		}, []string{"writes files when the model is loaded"}},
		{"saves when it is initialised", full, func(g *metaProto, target string) {
			delete(g.SignatureDef, "__saved_model_init_op")
			g.CollectionDef["legacy_init_op"] = &corepb.CollectionDef{Kind: &corepb.CollectionDef_NodeList_{
				NodeList: &corepb.CollectionDef_NodeList{Value: []string{"StatefulPartitionedCall_2"}},
			}}
		}, []string{"reads or writes files when the model is initialised or paints"}},
		{"restores with each picture", full, func(g *metaProto, target string) { withPicture(g, g.SaverDef.RestoreOpName) },
			[]string{`(RestoreV2) reads or writes files when`}},
		{"restores from elsewhere", full, func(g *metaProto, target string) {
			fn := restoring(g)
			fn.NodeDef = append(fn.NodeDef, text("elsewhere", "/etc/passwd"))
			find(fn.NodeDef, "RestoreV2").Input[0] = "elsewhere:output:0"
		}, []string{`node "RestoreV2" (RestoreV2) reads variables from outside of the model's folder`}},
		{"restores from a caller's path", full, func(g *metaProto, target string) {
			add(g, text("elsewhere", "/etc/passwd"))
			find(g.GraphDef.Node, g.SaverDef.RestoreOpName).Input[0] = "elsewhere"
		}, []string{"reads variables from outside of"}},
		{"restores from a function's path", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("caller", call("call", restoring(g).Signature.Name)))
		}, []string{"reads variables from outside of"}},
		{"argument of many tensors", full, func(g *metaProto, target string) {
			restoring(g).Signature.InputArg[0].NumberAttr = "N"
		}, []string{`argument "file_prefix" of a function: it is not one tensor`}},
		{"argument of tensors of many types", full, func(g *metaProto, target string) {
			restoring(g).Signature.InputArg[0].TypeListAttr = "T"
		}, []string{`argument "file_prefix" of a function: it is not one tensor`}},
		{"argument by reference", full, func(g *metaProto, target string) {
			restoring(g).Signature.InputArg[0].IsRef = true
		}, []string{`argument "file_prefix" of a function: it is not one tensor`}},
		{"restores in the graph from elsewhere", "hub", func(g *metaProto, target string) {
			add(g, text("elsewhere", "/etc/passwd"), &nodeProto{Name: "restore", Op: "RestoreV2", Input: []string{"elsewhere", "elsewhere", "elsewhere"}})
			g.SaverDef = &corepb.SaverDef{FilenameTensorName: "placeholder:0", RestoreOpName: "restore"}
		}, []string{`node "restore" (RestoreV2) reads variables from outside of`}},
		{"never ends when it is initialised", "hub", func(g *metaProto, target string) {
			addFunctions(g, unchanged("unchanged"))
			add(g, yes("yes"), forever("spin", "yes", "unchanged"), &nodeProto{Name: "init", Op: "NoOp", Input: []string{"^spin"}})
			g.CollectionDef = map[string]*corepb.CollectionDef{"saved_model_main_op": {Kind: &corepb.CollectionDef_NodeList_{
				NodeList: &corepb.CollectionDef_NodeList{Value: []string{"init"}},
			}}}
		}, []string{`node "spin" (While) is a loop that would run when the model is loaded`, "export it"}},
		{"never ends when it is initialised by its signature", "hub", func(g *metaProto, target string) {
			addFunctions(g, unchanged("unchanged"))
			add(g, yes("yes"), forever("spin", "yes", "unchanged"), &nodeProto{Name: "init", Op: "NoOp", Input: []string{"^spin"}})
			g.SignatureDef["__saved_model_init_op"] = &corepb.SignatureDef{Outputs: map[string]*corepb.TensorInfo{
				"__saved_model_init_op": {Encoding: &corepb.TensorInfo_Name{Name: "init"}},
			}}
		}, []string{`node "spin" (While) is a loop that would run when the model is loaded`}},
		{"never ends when its variables are read", full, func(g *metaProto, target string) {
			addFunctions(g, unchanged("unchanged"), functionOf("inner", yes("yes"), forever("spin", "yes:output:0", "unchanged")))
			add(g, call("call", "inner"))
			restore := find(g.GraphDef.Node, g.SaverDef.RestoreOpName)
			restore.Input = append(restore.Input, "^call")
		}, []string{`node "spin" (While) is a loop that would run when the model is loaded`}},
		{"a function that calls itself", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("one", call("call", "two")), functionOf("two", call("call", "one")))
			add(g, call("call", "one"))
			restore := find(g.GraphDef.Node, g.SaverDef.RestoreOpName)
			restore.Input = append(restore.Input, "^call")
		}, []string{"calls itself, or its calls are nested more than 64 deep"}},
		{"functions that double", full, func(g *metaProto, target string) {
			addFunctions(g, functionOf("double0", &nodeProto{Name: "nothing", Op: "NoOp"}))
			for i := range 60 {
				inner := fmt.Sprint("double", i)
				addFunctions(g, functionOf(fmt.Sprint("double", i+1), call("first", inner), call("second", inner)))
			}
			add(g, call("call", "double60"))
			restore := find(g.GraphDef.Node, g.SaverDef.RestoreOpName)
			restore.Input = append(restore.Input, "^call")
		}, []string{"has more than 1048576 nodes with all its calls"}},
		{"asset", full, func(g *metaProto, target string) {
			g.AssetFileDef = []*corepb.AssetFileDef{{Filename: "../../../etc/passwd", TensorInfo: new(corepb.TensorInfo)}}
		}, []string{"the model has assets"}},
		{"asset of an old model", "hub", func(g *metaProto, target string) {
			g.CollectionDef = map[string]*corepb.CollectionDef{"saved_model_assets": {}}
		}, []string{"the model has assets"}},
		{"other machine", "hub", func(g *metaProto, target string) { g.GraphDef.Node[0].Device = "/job:worker/replica:0/task:1" },
			[]string{`is for the device "/job:worker/replica:0/task:1"`, "clear_devices"}},
		{"executor", full, func(g *metaProto, target string) {
			find(g.GraphDef.Node, "PartitionedCall").Attr["executor_type"] = ofText("SOMEBODYS")
		},
			[]string{`node "PartitionedCall" (PartitionedCall): attribute executor_type is "SOMEBODYS"`}},
		{"optimiser", full, func(g *metaProto, target string) {
			b, err := proto.Marshal(&corepb.ConfigProto{GraphOptions: &corepb.GraphOptions{RewriteOptions: &corepb.RewriterConfig{
				CustomOptimizers: []*corepb.RewriterConfig_CustomGraphOptimizer{{Name: "somebodys"}},
			}}})
			if err != nil {
				panic(err)
			}
			find(g.GraphDef.Node, "PartitionedCall").Attr["config_proto"] = ofText(string(b))
		}, []string{"attribute config_proto sets field 10"}},
		{"placeholder for a function", full, func(g *metaProto, target string) {
			restoring(g).NodeDef[0].Attr["f"] = &attrProto{Value: &attr_value_go_proto.AttrValue_Placeholder{Placeholder: "F"}}
		}, []string{`attribute "f" is a placeholder`}},
		{"functions in attributes of functions", full, func(g *metaProto, target string) {
			list := ofFunction("a")
			for range 20 {
				list = &attrProto{Value: &attr_value_go_proto.AttrValue_Func{Func: &attr_value_go_proto.NameAttrList{Name: "a", Attr: attrs{"f": list}}}}
			}
			g.GraphDef.Node[0].Attr["f"] = list
		}, []string{"attributes are nested more than 8 deep"}},
		{"handle as a constant", "hub", func(g *metaProto, target string) {
			add(g, constant("handle", &tensor_go_proto.TensorProto{Dtype: types_go_proto.DataType_DT_VARIANT}))
		}, []string{`node "handle" (Const): a constant holds a handle`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, target := t.TempDir(), filepath.Join(t.TempDir(), "written")
			if err := os.CopyFS(dir, os.DirFS("../testdata/"+tt.of)); err != nil {
				t.Fatal(err)
			}
			m := read(t, dir)
			tt.edit(m.MetaGraphs[0], target)
			if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), encode(t, m), 0o666); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, dir, target, tt.want...)
		})
	}
}

// TestRefusesOperations covers some of the operations that access more than tensors.
func TestRefusesOperations(t *testing.T) {
	for _, op := range strings.Fields(`
		ReadFile WriteFile MatchingFiles Print PrintV2 Save SaveSlices Restore RestoreSlice ImmutableConst
		PyFunc PyFuncStateless EagerPyFunc RemoteCall RemoteFusedGraphExecute SymbolicGradient XlaHostCompute
		TFRecordReader TFRecordReaderV2 TextLineReaderV2 WholeFileReaderV2 ReaderReadV2 FixedLengthRecordDatasetV2 TFRecordDataset
		TextLineDataset SnapshotDatasetV2 SaveDatasetV2 LoadDataset CacheDatasetV2 RegisterDataset DataServiceDatasetV4
		DebugIdentity DebugIdentityV2 DebugNanCount _Send _Recv _HostSend _HostRecv
		InitializeTableFromTextFileV2 SummaryWriter CreateSummaryFileWriter CreateSummaryDbWriter LoadTPUEmbeddingADAMParameters
		DecodeVideo AudioSummaryV2 ConfigureDistributedTPU CollectiveReduceV2 NcclAllReduce MergeDedupData`) {
		t.Run(op, func(t *testing.T) {
			dir := t.TempDir()
			m := read(t, "../testdata/hub")
			add(m.MetaGraphs[0], &nodeProto{Name: "added", Op: op})
			if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), encode(t, m), 0o666); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, dir, "none", fmt.Sprintf(`node "added" has the operation %q`, op))
		})
	}
}

// TestRefusesAmbiguousFiles covers files that different parsers could read differently.
func TestRefusesAmbiguousFiles(t *testing.T) {
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	hub := read(t, "../testdata/hub")
	target := filepath.Join(t.TempDir(), "written")
	hostile := read(t, "../testdata/hub")
	add(hostile.MetaGraphs[0], writing(target)...)
	withPicture(hostile.MetaGraphs[0], "write")
	serve, evil := hub.MetaGraphs[0], hostile.MetaGraphs[0]
	other := proto.Clone(evil).(*metaProto)
	other.MetaInfoDef.Tags = []string{"train"}
	more := encode(t, &graph_go_proto.GraphDef{Node: writing(target)})
	lone := func(meta ...[]byte) []byte { return field(2, slices.Concat(meta...)) }
	withoutGraph := proto.Clone(serve).(*metaProto)
	withoutGraph.GraphDef = nil
	bare := encode(t, withoutGraph)
	graph := encode(t, serve.GraphDef)
	withNode := func(nodeFields ...[]byte) []byte {
		return lone(bare, field(2, slices.Concat(graph, field(1, slices.Concat(nodeFields...)))))
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"hostile graph of another tag", slices.Concat(field(2, encode(t, serve)), field(2, encode(t, other))), `has the operation "WriteFile"`},
		{"two graphs of the tag", slices.Concat(field(2, encode(t, serve)), field(2, encode(t, serve))), `two graphs in saved_model.pb are tagged "serve"`},
		{"tag twice", func() []byte {
			twice := proto.Clone(serve).(*metaProto)
			twice.MetaInfoDef.Tags = []string{"serve", "serve"}
			return slices.Concat(field(2, encode(t, twice)), field(2, encode(t, serve)))
		}(), `two graphs in saved_model.pb are tagged "serve"`},
		{"graph in two pieces", lone(encode(t, serve), field(2, more)), "field 2 occurs twice"},
		{"library in two pieces", lone(bare, field(2, slices.Concat(graph, field(2, nil), field(2, nil)))), "field 2 occurs twice"},
		{"operation twice", withNode(field(1, []byte("n")), field(2, []byte("NoOp")), field(2, []byte("WriteFile"))), "field 2 occurs twice"},
		{"field of a later version", withNode(field(1, []byte("n")), field(2, []byte("NoOp")), field(9, nil)), "field 9 is not expected"},
		{"group", withNode(protowire.AppendTag(nil, 2, protowire.StartGroupType), protowire.AppendTag(nil, 2, protowire.EndGroupType)), "field 2 has type 3"},
		{"number instead of text", withNode(protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 1)), "field 2 has type 0"},
		{"tag of more bytes than needed", slices.Concat([]byte{0x80 | 2<<3 | 2, 0x00, 0}, field(2, encode(t, serve))), "damaged"},
		{"length of more bytes than needed", slices.Concat([]byte{2<<3 | 2, 0x80, 0x00}, field(2, encode(t, serve))), "damaged"},
		{"too many nodes", lone(bare, field(2, slices.Concat(graph, bytes.Repeat(field(1, nil), maxFields)))), "more than 1048576 fields"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), tt.file, 0o666); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, dir, target, tt.want)
		})
	}
}

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

func FuzzParse(f *testing.F) {
	for _, name := range []string{"full", "hub"} {
		b, err := os.ReadFile(filepath.Join("../testdata", name, "saved_model.pb"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		graphs, err := parse(file)
		if err != nil {
			return
		}
		for _, g := range graphs {
			_ = g.check() // must not panic
		}
		// A library that supports the whole format must read an accepted file in the same way.
		m := new(savedProto)
		if err := proto.Unmarshal(file, m); err != nil {
			return // TensorFlow can't load it then: text that is not UTF-8, a damaged shape
		}
		if len(m.MetaGraphs) != len(graphs) {
			t.Fatalf("got %d graphs, want %d", len(graphs), len(m.MetaGraphs))
		}
		for i, g := range graphs {
			library := m.MetaGraphs[i].GetGraphDef().GetLibrary().GetFunction()
			wantNodes(t, g.main, m.MetaGraphs[i].GetGraphDef().GetNode())
			if len(library) != len(g.functions) {
				t.Fatalf("got %d functions, want %d", len(g.functions), len(library))
			}
			for _, fn := range library {
				wantNodes(t, g.functions[fn.GetSignature().GetName()].body, fn.NodeDef)
			}
		}
	})
}

func wantNodes(t *testing.T, got scope, want []*nodeProto) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d nodes, want %d", len(got), len(want))
	}
	for i, n := range got {
		w := want[i]
		var calls []string
		for _, a := range w.Attr {
			calls = append(calls, called(a)...)
		}
		slices.Sort(calls)
		found := slices.Sorted(slices.Values(n.calls))
		// An attribute that occurs twice counts twice in n, and once in w.
		missing := slices.ContainsFunc(calls, func(name string) bool { return !slices.Contains(found, name) })
		if n.name != w.Name || n.op != w.Op || n.device != w.Device || !slices.Equal(n.inputs, w.Input) || missing {
			t.Fatalf("got %+v, want %v", n, w)
		}
	}
}

// called returns the functions that an attribute names.
func called(a *attrProto) (names []string) {
	for _, f := range append(a.GetList().GetFunc(), a.GetFunc()) {
		if f != nil {
			names = append(names, f.Name)
			for _, nested := range f.Attr {
				names = append(names, called(nested)...)
			}
		}
	}
	return names
}

// TestParseIsBounded checks that a file with too many fields is refused before it takes much memory.
func TestParseIsBounded(t *testing.T) {
	piece := func(number protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	const many = 2 << 20
	for name, file := range map[string][]byte{
		"graphs":     bytes.Repeat(piece(2, nil), many),
		"nodes":      piece(2, piece(2, bytes.Repeat(piece(1, nil), many))),
		"functions":  piece(2, piece(2, piece(2, bytes.Repeat(piece(1, nil), many)))),
		"inputs":     piece(2, piece(2, piece(1, bytes.Repeat(piece(3, nil), many)))),
		"attributes": piece(2, piece(2, piece(1, bytes.Repeat(piece(5, nil), many)))),
		"signatures": piece(2, bytes.Repeat(piece(5, nil), many)),
		"tensors":    piece(2, piece(5, piece(2, bytes.Repeat(piece(1, nil), many)))),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := parse(file); err == nil {
				t.Error("got a model, want an error")
			}
			runtime.ReadMemStats(&after)
			// All allocations, including freed ones.
			if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 512 {
				t.Errorf("got %d MB allocated for %d MB, want at most 512", got, len(file)>>20)
			} else {
				t.Logf("%d MB for %d MB", got, len(file)>>20)
			}
		})
	}
}

// TestCheckIsBounded checks that the time of a check is linear in the size of the file.
func TestCheckIsBounded(t *testing.T) {
	const many = 40_000
	types := &attrProto{Value: &attr_value_go_proto.AttrValue_List{List: &attr_value_go_proto.AttrValue_ListValue{}}}
	argument := func(i int) string { return fmt.Sprintf("%032d", i) }
	for name, tt := range map[string]struct {
		args, nodes, calls, inputs int
		input                      func(i int) string // of the i-th restoring node
	}{
		"one of many arguments": {args: 60_000, nodes: many, calls: 1, inputs: 60_000, input: func(int) string { return argument(60_000 - 1) }},
		"each argument":         {args: many, nodes: many, calls: 1, inputs: many, input: argument},
		"one of many calls":     {args: 1, nodes: 20, calls: many, inputs: 1, input: func(int) string { return argument(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			m := read(t, "../testdata/hub")
			g := m.MetaGraphs[0]
			fn := &function_go_proto.FunctionDef{Signature: &op_def_go_proto.OpDef{Name: "restore"}}
			for i := range tt.args {
				fn.Signature.InputArg = append(fn.Signature.InputArg, &op_def_go_proto.OpDef_ArgDef{Name: argument(i)})
			}
			for i := range tt.nodes {
				fn.NodeDef = append(fn.NodeDef, &nodeProto{Name: fmt.Sprint(i), Op: "RestoreV2", Input: []string{tt.input(i)}})
			}
			addFunctions(g, fn)
			add(g, &nodeProto{Name: "path", Op: "Placeholder"})
			for i := range tt.calls {
				add(g, &nodeProto{Name: fmt.Sprint("call", i), Op: "StatefulPartitionedCall", Input: slices.Repeat([]string{"path"}, tt.inputs),
					Attr: attrs{"Tin": types, "f": ofFunction("restore")}})
			}
			g.SaverDef = &corepb.SaverDef{FilenameTensorName: "path:0"}
			graphs, err := parse(encode(t, m))
			if err != nil {
				t.Fatal(err)
			}
			before := processorTime(t)
			if err := graphs[0].check(); err != nil {
				t.Error(err)
			}
			// The longest case takes a tenth of a second.
			if took := processorTime(t) - before; took > 3*time.Second {
				t.Errorf("it took %v of processor time, want at most 3s", took)
			} else {
				t.Log(took)
			}
		})
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestAcceptsSaver covers a graph of TensorFlow 1, which has its saver's nodes itself. (Those of
// TensorFlow 2 are in "full", which the whole suite loads.)
func TestAcceptsSaver(t *testing.T) {
	m := read(t, "../testdata/hub")
	g := m.MetaGraphs[0]
	add(g, text("save/filename/input", "model"), text("names", "w"), text("slices", ""),
		&nodeProto{Name: "w", Op: "VariableV2"},
		&nodeProto{Name: "save/Const", Op: "PlaceholderWithDefault", Input: []string{"save/filename/input"}},
		&nodeProto{Name: "save/SaveV2", Op: "SaveV2", Input: []string{"save/Const", "names", "slices", "w"}},
		&nodeProto{Name: "save/control_dependency", Op: "Identity", Input: []string{"save/Const", "^save/SaveV2"}, Device: "/device:CPU:0"},
		&nodeProto{Name: "save/RestoreV2", Op: "RestoreV2", Input: []string{"save/Const", "names", "slices"}, Device: "/device:CPU:0"},
		&nodeProto{Name: "save/Assign", Op: "Assign", Input: []string{"w", "save/RestoreV2"}},
		&nodeProto{Name: "save/restore_all", Op: "NoOp", Input: []string{"^save/Assign"}})
	g.SaverDef = &corepb.SaverDef{FilenameTensorName: "save/Const:0", SaveTensorName: "save/control_dependency:0", RestoreOpName: "save/restore_all"}
	graphs, err := parse(encode(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if err := graphs[0].check(); err != nil {
		t.Errorf("got %v, want it accepted", err)
	}
	// The saver's own nodes are refused if they run with each picture.
	withPicture(g, "save/control_dependency")
	if graphs, err = parse(encode(t, m)); err != nil {
		t.Fatal(err)
	}
	if err := graphs[0].check(); err == nil || !strings.Contains(err.Error(), "save/SaveV2") {
		t.Errorf("got %v, want an error that names save/SaveV2", err)
	}
}

func BenchmarkCheck(b *testing.B) {
	file, err := os.ReadFile("../atelier/saved_model.pb")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		graphs, err := parse(file)
		if err != nil {
			b.Fatal(err)
		}
		if err := graphs[0].check(); err != nil {
			b.Fatal(err)
		}
	}
}

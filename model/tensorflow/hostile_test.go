package tensorflow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
)

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
	for op := range strings.FieldsSeq(`
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

package tensorflow

import (
	"strings"
	"testing"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
)

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

package tensorflow

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

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

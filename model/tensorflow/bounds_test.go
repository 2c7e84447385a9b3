package tensorflow

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
)

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

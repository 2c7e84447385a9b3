package tensorflow

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
)

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

package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/model/modeltest"
	"github.com/atelier-go/atelier/pkg/style"
)

// field returns a field of a message. Several values are concatenated: the fields of a submessage.
func field(number protowire.Number, values ...string) string {
	b := protowire.AppendTag(nil, number, protowire.BytesType)
	return string(protowire.AppendString(b, strings.Join(values, "")))
}

func number(number protowire.Number, value uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), value))
}

// inGraph adds fields to the graph of an ONNX file.
func inGraph(file, fields string) string {
	var out string
	for b := []byte(file); len(b) > 0; {
		n, kind, size := protowire.ConsumeTag(b)
		end := size + protowire.ConsumeFieldValue(n, kind, b[size:])
		if n == 7 {
			graph, _ := protowire.ConsumeBytes(b[size:end])
			out += field(7, string(graph), fields)
		} else {
			out += string(b[:end])
		}
		b = b[end:]
	}
	return out
}

const (
	onnxNode, onnxInitializer, onnxFunction, onnxTraining = 1, 5, 25, 20
	floats                                                = 1
)

// external returns a tensor of one number that is stored in another file.
func external(location string) string {
	return number(1, 1) + number(2, floats) + field(8, "outside") + number(14, 1) +
		field(13, field(1, "location"), field(2, location)) + field(13, field(1, "length"), field(2, "4"))
}

// operator returns a node without inputs.
func operator(name, domain string, fields ...string) string {
	return field(onnxNode, append([]string{field(2, "made"), field(3, "added"), field(4, name), field(7, domain)}, fields...)...)
}

// TestRefusesExternalAccess checks that a network that needs other files, or operators that do more
// than compute, is refused before ONNX Runtime reads it.
func TestRefusesExternalAccess(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(file string) string
		want []string
	}{
		{"numbers in a file elsewhere", func(f string) string {
			return inGraph(f, field(onnxInitializer, external("../../etc/passwd")))
		}, []string{`tensor "outside" are in another file`, "save the model with its weights inside"}},
		{"numbers in a file in the working directory", func(f string) string {
			return inGraph(f, field(onnxInitializer, external("load_test.go")))
		}, []string{`tensor "outside" are in another file`}},
		{"numbers in a file by its absolute path", func(f string) string {
			return inGraph(f, field(onnxInitializer, external(filepath.Join(here, "load_test.go"))))
		}, []string{`tensor "outside" are in another file`}},
		{"numbers at an address in memory", func(f string) string {
			return inGraph(f, field(onnxInitializer, external("*/_ORT_MEM_ADDR_/*")))
		}, []string{`tensor "outside" are in another file`}},
		{"numbers of a constant in another file", func(f string) string {
			return inGraph(f, operator("Constant", "", field(5, field(1, "value"), field(5, external("load_test.go")), number(20, 4))))
		}, []string{`node "added", of operator "Constant"`, `tensor "outside" are in another file`}},
		{"operator of another domain", func(f string) string { return inGraph(f, operator("Relu", "com.example")) },
			[]string{`node "added", of operator "com.example.Relu"`, "model/onnx/operators.go lists"}},
		{"operator of ONNX Runtime's domain", func(f string) string { return inGraph(f, operator("EPContext", "com.microsoft")) },
			[]string{`of operator "com.microsoft.EPContext"`}},
		{"unknown operator", func(f string) string { return inGraph(f, operator("Optional", "")) },
			[]string{`node "added", of operator "Optional"`}},
		{"endless loop", func(f string) string {
			return inGraph(f, operator("Loop", "", field(5, field(1, "body"), field(6, field(2, "body")), number(20, 5))))
		}, []string{`node "added", of operator "Loop"`, "it has a subgraph"}},
		{"loop without a body", func(f string) string { return inGraph(f, operator("Loop", "")) }, []string{`of operator "Loop"`}},
		{"function", func(f string) string { return f + field(onnxFunction, field(1, "f")) }, []string{"it has functions of its own"}},
		{"training", func(f string) string { return f + field(onnxTraining) }, []string{"field 20 is not expected"}},
		{"graph in two pieces", func(f string) string { return f + field(7, operator("Relu", "com.example")) },
			[]string{"field 7 occurs twice"}},
		{"operator twice", func(f string) string { return inGraph(f, operator("Relu", "", field(4, "Loop"))) },
			[]string{"field 4 occurs twice"}},
		{"too many fields", func(f string) string {
			return inGraph(f, strings.Repeat(field(onnxNode, field(4, "Relu")), maxFields/2))
		},
			[]string{"more than 1048576 fields"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			suite.Refuses(t, []modeltest.Refusal{{Name: "folder", Build: func(f *modeltest.Folder) {
				f.Copy("full")
				f.Write("transform.onnx", tt.edit(f.Read("transform.onnx")))
			}, Want: append(tt.want, "transform.onnx: ")}})
		})
	}
}

// TestFileIsReadAsONNX checks that ONNX Runtime never reads an ONNX file in its own format, which it
// recognises by "ORTM" from the fifth byte on.
func TestFileIsReadAsONNX(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../testdata/full")); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, transformFile))
	if err != nil {
		t.Fatal(err)
	}
	both := field(2, "--ORTM") + string(file)
	if both[4:8] != "ORTM" {
		t.Fatalf("got %q, want a file that is valid in both formats", both[:8])
	}
	if err := os.WriteFile(filepath.Join(dir, transformFile), []byte(both), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := suite.Load(model.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	photo := swatch.Filled(8, 8, swatch.Orange)
	modeltest.Stylize(t, m, style.Request{Content: photo, Picture: photo, Strength: 1})
}

func FuzzReadGraph(f *testing.F) {
	for _, name := range []string{"../testdata/full/transform.onnx", "../testdata/full/predict_style.onnx"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(field(7, field(onnxInitializer, external("x")))))
	f.Fuzz(func(t *testing.T, file []byte) {
		if g, err := readGraph(file); err == nil && g.Left > maxFields {
			t.Error("more fields are left than there were")
		}
	})
}

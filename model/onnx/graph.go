package onnx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/model/internal/wire"
)

// A tensorType is the declared type of an input or output.
type tensorType struct {
	element uint64
	dims    []int64 // -1: any size
}

// float is the number that stands for float32 in ONNX's format.
const float = 1

// elements are the names of the most common types of elements, by their numbers in ONNX's format.
var elements = map[uint64]string{
	float: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64", 16: "bfloat16",
}

// String returns the type in a form such as uint8 [1,3,?,?].
func (t tensorType) String() string {
	name, ok := elements[t.element]
	if !ok {
		name = fmt.Sprintf("element type %d", t.element)
	}
	sizes := make([]string, len(t.dims))
	for i, d := range t.dims {
		sizes[i] = "?"
		if d >= 0 {
			sizes[i] = fmt.Sprint(d)
		}
	}
	return name + " [" + strings.Join(sizes, ",") + "]"
}

// The messages that are read, by the field numbers in onnx.proto. Fields that are missing here are
// refused: training, sparse tensors, sequences and maps.
var (
	modelProto = wire.Message{
		1: wire.Varint, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes, 5: wire.Varint, 6: wire.Bytes, 7: wire.Bytes,
		8: wire.Bytes | wire.Repeated, 14: wire.Bytes | wire.Repeated, 25: wire.Bytes | wire.Repeated,
	}
	graphProto = wire.Message{
		1: wire.Bytes | wire.Repeated, 2: wire.Bytes, 5: wire.Bytes | wire.Repeated, 10: wire.Bytes,
		11: wire.Bytes | wire.Repeated, 12: wire.Bytes | wire.Repeated, 13: wire.Bytes | wire.Repeated, 16: wire.Bytes | wire.Repeated,
	}
	nodeProto = wire.Message{
		1: wire.Bytes | wire.Repeated, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes, 4: wire.Bytes,
		5: wire.Bytes | wire.Repeated, 6: wire.Bytes, 7: wire.Bytes, 9: wire.Bytes | wire.Repeated,
	}
	attributeProto = wire.Message{
		1: wire.Bytes, 2: wire.Fixed32, 3: wire.Varint, 4: wire.Bytes, 5: wire.Bytes, 6: wire.Bytes, 7: wire.Fixed32 | wire.Repeated,
		8: wire.Varint | wire.Repeated, 9: wire.Bytes | wire.Repeated, 10: wire.Bytes | wire.Repeated, 11: wire.Bytes | wire.Repeated,
		13: wire.Bytes, 20: wire.Varint,
	}
	tensorProto = wire.Message{
		1: wire.Varint | wire.Repeated, 2: wire.Varint, 4: wire.Fixed32 | wire.Repeated, 5: wire.Varint | wire.Repeated,
		6: wire.Bytes | wire.Repeated, 7: wire.Varint | wire.Repeated, 8: wire.Bytes, 9: wire.Bytes,
		10: wire.Fixed64 | wire.Repeated, 11: wire.Varint | wire.Repeated, 12: wire.Bytes,
		13: wire.Bytes | wire.Repeated, 14: wire.Varint, 16: wire.Bytes | wire.Repeated,
	}
	valueProto     = wire.Message{1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated}
	typeProto      = wire.Message{1: wire.Bytes, 6: wire.Bytes}
	typeOfTensor   = wire.Message{1: wire.Varint, 2: wire.Bytes}
	shapeProto     = wire.Message{1: wire.Bytes | wire.Repeated}
	dimensionProto = wire.Message{1: wire.Varint, 2: wire.Bytes, 3: wire.Bytes}
)

var errNoNetwork = errors.New("the file is damaged, or is not an ONNX model")

// maxFields limits the number of protocol buffer fields of a network. The shipped transformer has
// 3,000.
const maxFields = 1 << 20

// A graph is what is read of a network's file: its inputs and outputs.
type graph struct {
	wire.Reader
	inputs, outputs map[string]tensorType
}

// readGraph returns the inputs and outputs of the network in a file. It refuses a network that
// needs other files, or operators that do more than compute. The binding could only return the
// inputs and outputs, and only by loading the file. So most unsuitable files are refused before
// ONNX Runtime sees them.
func readGraph(file []byte) (*graph, error) {
	g := &graph{wire.Reader{Left: maxFields}, map[string]tensorType{}, map[string]tensorType{}}
	found := false
	err := g.Read(file, modelProto, func(f wire.Field) error {
		if f.Number == 25 {
			return errors.New("it has functions of its own, which are not accepted: export it with them inlined")
		}
		if f.Number != 7 {
			return nil
		}
		found = true
		return g.Read(f.Bytes, graphProto, func(f wire.Field) error {
			switch f.Number {
			case 1:
				return g.node(f.Bytes)
			case 5:
				return g.tensor(f.Bytes)
			case 11:
				return g.value(f.Bytes, g.inputs)
			case 12:
				return g.value(f.Bytes, g.outputs)
			}
			return nil
		})
	})
	switch {
	case errors.Is(err, wire.ErrTooMuch):
		return nil, fmt.Errorf("it has more than %d fields, such as nodes and their attributes, which is too many for a network that repaints pictures", maxFields)
	case errors.Is(err, wire.ErrDamaged):
		return nil, fmt.Errorf("%w (%w)", errNoNetwork, err)
	case err == nil && !found:
		return nil, errNoNetwork
	}
	return g, err
}

// node refuses operators that are not ONNX's own, or that do more than compute.
func (g *graph) node(b []byte) error {
	var name, operator, domain string
	err := g.Read(b, nodeProto, func(f wire.Field) error {
		switch f.Number {
		case 3:
			name = string(f.Bytes)
		case 4:
			operator = string(f.Bytes)
		case 5:
			return g.attribute(f.Bytes)
		case 7:
			domain = string(f.Bytes)
		}
		return nil
	})
	if err == nil && (domain != "" && domain != "ai.onnx" || !allowedOperators[operator]) {
		err = fmt.Errorf("it is not one of the accepted operators, which model/onnx/operators.go lists: " +
			"a model must not access files, run programs or loop; export it without that operator")
	}
	if err != nil {
		if domain != "" {
			operator = domain + "." + operator
		}
		err = fmt.Errorf("node %.99q, of operator %.99q: %w", name, operator, err)
	}
	return err
}

func (g *graph) attribute(b []byte) error {
	return g.Read(b, attributeProto, func(f wire.Field) error {
		switch f.Number {
		case 5, 10:
			return g.tensor(f.Bytes)
		case 6, 11:
			return errors.New("it has a subgraph, as loops and branches have, which is not accepted")
		}
		return nil
	})
}

// tensor refuses a tensor whose numbers are in another file.
func (g *graph) tensor(b []byte) error {
	var name string
	external := false
	err := g.Read(b, tensorProto, func(f wire.Field) error {
		switch f.Number {
		case 8:
			name = string(f.Bytes)
		case 13:
			external = true
		case 14:
			external = external || f.Int != 0
		}
		return nil
	})
	if err == nil && external {
		err = fmt.Errorf("the numbers of tensor %.99q are in another file: save the model with its weights inside", name)
	}
	return err
}

func (g *graph) value(b []byte, into map[string]tensorType) error {
	var name string
	var t tensorType
	err := g.Read(b, valueProto, func(f wire.Field) error {
		switch f.Number {
		case 1:
			name = string(f.Bytes)
		case 2:
			return g.Read(f.Bytes, typeProto, func(f wire.Field) error {
				if f.Number != 1 {
					return nil
				}
				return g.Read(f.Bytes, typeOfTensor, func(f wire.Field) error {
					if f.Number == 1 {
						t.element = f.Int
						return nil
					}
					return g.shape(f.Bytes, &t)
				})
			})
		}
		return nil
	})
	into[name] = t
	return err
}

func (g *graph) shape(b []byte, t *tensorType) error {
	return g.Read(b, shapeProto, func(f wire.Field) error {
		size := int64(-1)
		err := g.Read(f.Bytes, dimensionProto, func(f wire.Field) error {
			if f.Number == 1 {
				size = int64(f.Int)
			}
			return nil
		})
		t.dims = append(t.dims, size)
		return err
	})
}

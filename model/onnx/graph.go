package onnx

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// A tensorType is what a file says of an input or an output.
type tensorType struct {
	element uint64
	dims    []int64 // -1: any size
}

// float is float32, by its number in ONNX's format.
const float = 1

// elements are the names of the commonest element types, by their numbers.
var elements = map[uint64]string{
	float: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64", 16: "bfloat16",
}

// String is such as uint8 [1,3,?,?].
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

// The fields that are read, by their numbers in onnx.proto.
const (
	modelGraph       = 7
	graphInput       = 11
	graphOutput      = 12
	valueName        = 1
	valueType        = 2
	typeTensor       = 1
	tensorElement    = 1
	tensorShape      = 2
	shapeDimension   = 1
	dimensionOfValue = 1
)

var errNoNetwork = errors.New("the file is damaged, or something other than an ONNX model")

// readGraph reads what a network takes and gives from its file. The binding can
// tell it only by loading the file a second time, and reading it here means also
// that most unsuitable files are refused before ONNX Runtime starts.
func readGraph(file []byte) (inputs, outputs map[string]tensorType, err error) {
	inputs, outputs = map[string]tensorType{}, map[string]tensorType{}
	found := false
	err = walk(file, func(number protowire.Number, graph []byte, _ uint64) error {
		if number != modelGraph {
			return nil
		}
		found = true
		return walk(graph, func(number protowire.Number, value []byte, _ uint64) error {
			switch number {
			case graphInput:
				return readValue(value, inputs)
			case graphOutput:
				return readValue(value, outputs)
			}
			return nil
		})
	})
	if err == nil && !found {
		err = errNoNetwork
	}
	return inputs, outputs, err
}

func readValue(value []byte, into map[string]tensorType) error {
	var name string
	var t tensorType
	err := walk(value, func(number protowire.Number, b []byte, _ uint64) error {
		switch number {
		case valueName:
			name = string(b)
		case valueType:
			return walk(b, func(number protowire.Number, tensor []byte, _ uint64) error {
				if number != typeTensor {
					return nil
				}
				return t.read(tensor)
			})
		}
		return nil
	})
	into[name] = t
	return err
}

func (t *tensorType) read(tensor []byte) error {
	return walk(tensor, func(number protowire.Number, b []byte, n uint64) error {
		switch number {
		case tensorElement:
			t.element = n
		case tensorShape:
			return walk(b, func(number protowire.Number, dimension []byte, _ uint64) error {
				if number != shapeDimension {
					return nil
				}
				size := int64(-1)
				err := walk(dimension, func(number protowire.Number, _ []byte, n uint64) error {
					if number == dimensionOfValue {
						size = int64(n)
					}
					return nil
				})
				t.dims = append(t.dims, size)
				return err
			})
		}
		return nil
	})
}

// walk calls field for each of a message's: with its bytes where it has some, or
// with its number.
func walk(msg []byte, field func(number protowire.Number, b []byte, n uint64) error) error {
	for len(msg) > 0 {
		number, kind, size := protowire.ConsumeTag(msg)
		if size < 0 {
			return errNoNetwork
		}
		msg = msg[size:]
		var b []byte
		var n uint64
		switch kind {
		case protowire.BytesType:
			b, size = protowire.ConsumeBytes(msg)
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(msg)
		default:
			size = protowire.ConsumeFieldValue(number, kind, msg)
		}
		if size < 0 {
			return errNoNetwork
		}
		msg = msg[size:]
		if err := field(number, b, n); err != nil {
			return err
		}
	}
	return nil
}

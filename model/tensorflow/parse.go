package tensorflow

import (
	"errors"
	"fmt"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/atelier-go/atelier/model/internal/wire"
)

// A metaGraph is one of the graphs in saved_model.pb. A file can have several, with different tags.
type metaGraph struct {
	tags      []string
	main      scope
	functions map[string]*function
	// filename and restore are what TensorFlow uses to read the variables: it sets the tensor
	// filename to their path and runs the node restore.
	filename, restore string
	// initial are the nodes that TensorFlow runs after it has read the variables.
	initial    []string
	signatures map[string]*corepb.SignatureDef
	assets     bool
}

// A scope is the nodes of a graph or of a function.
type scope []*node

// A node is an operation of a graph.
type node struct {
	name, op, device string
	inputs           []string
	// calls are the functions that the node's attributes name.
	calls []string
}

// A function is an entry of the graph's function library.
type function struct {
	args  []string
	body  scope
	calls []string // functions that its own attributes name
}

// The messages that are read, by the field numbers in TensorFlow's .proto files. Fields that can't
// contain an operation, such as shapes, are not parsed further.
var (
	savedModelDef = wire.Message{1: wire.Varint, 2: wire.Bytes | wire.Repeated}
	metaGraphDef  = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated, 5: wire.Bytes | wire.Repeated,
		6: wire.Bytes | wire.Repeated, 7: wire.Bytes, // Python objects, ignored by this loader
	}
	metaInfoDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated, 5: wire.Bytes, 6: wire.Bytes,
		7: wire.Varint, 8: wire.Bytes | wire.Repeated,
	}
	graphDef   = wire.Message{1: wire.Bytes | wire.Repeated, 2: wire.Bytes, 3: wire.Varint, 4: wire.Bytes, 5: wire.Bytes}
	libraryDef = wire.Message{1: wire.Bytes | wire.Repeated, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes | wire.Repeated}
	// In functionDef, the maps from 4 on are results, and 7 has the attributes of arguments.
	functionDef = wire.Message{
		1: wire.Bytes, 3: wire.Bytes | wire.Repeated, 4: wire.Bytes | wire.Repeated, 5: wire.Bytes | wire.Repeated,
		6: wire.Bytes | wire.Repeated, 7: wire.Bytes | wire.Repeated, 8: wire.Bytes | wire.Repeated,
	}
	opDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes | wire.Repeated, 4: wire.Bytes | wire.Repeated,
		5: wire.Bytes, 6: wire.Bytes, 8: wire.Bytes, 16: wire.Varint, 17: wire.Varint, 18: wire.Varint, 19: wire.Varint,
		20: wire.Bytes | wire.Repeated, 21: wire.Varint,
	}
	argDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Varint, 4: wire.Bytes, 5: wire.Bytes, 6: wire.Bytes,
		7: wire.Bytes | wire.Repeated, 16: wire.Varint, 17: wire.Bytes,
	}
	argAttrEntry = wire.Message{1: wire.Varint, 2: wire.Bytes}
	argAttrs     = wire.Message{1: wire.Bytes | wire.Repeated}
	nodeDef      = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes | wire.Repeated, 4: wire.Bytes, 5: wire.Bytes | wire.Repeated,
		6: wire.Bytes, 7: wire.Bytes,
	}
	attrValue = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Varint, 4: wire.Fixed32, 5: wire.Varint, 6: wire.Varint, 7: wire.Bytes,
		8: wire.Bytes, 9: wire.Bytes, 10: wire.Bytes,
	}
	attrList = wire.Message{
		2: wire.Bytes | wire.Repeated, 3: wire.Varint | wire.Repeated, 4: wire.Fixed32 | wire.Repeated,
		5: wire.Varint | wire.Repeated, 6: wire.Varint | wire.Repeated, 7: wire.Bytes | wire.Repeated,
		8: wire.Bytes | wire.Repeated, 9: wire.Bytes | wire.Repeated,
	}
	nameAttrList = wire.Message{1: wire.Bytes, 2: wire.Bytes | wire.Repeated}
	tensorDef    = wire.Message{
		1: wire.Varint, 2: wire.Bytes, 3: wire.Varint, 4: wire.Bytes, 5: wire.Fixed32 | wire.Repeated,
		6: wire.Fixed64 | wire.Repeated, 7: wire.Varint | wire.Repeated, 8: wire.Bytes | wire.Repeated,
		9: wire.Fixed32 | wire.Repeated, 10: wire.Varint | wire.Repeated, 11: wire.Varint | wire.Repeated,
		12: wire.Fixed64 | wire.Repeated, 13: wire.Varint | wire.Repeated, 16: wire.Varint | wire.Repeated,
		17: wire.Varint | wire.Repeated, 18: wire.Bytes,
	}
	saverDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Varint, 5: wire.Varint, 6: wire.Fixed32, 7: wire.Varint,
	}
	collectionDef = wire.Message{1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes, 5: wire.Bytes}
	nodeList      = wire.Message{1: wire.Bytes | wire.Repeated}
	signatureDef  = wire.Message{1: wire.Bytes | wire.Repeated, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated}
	tensorInfo    = wire.Message{1: wire.Bytes, 2: wire.Varint, 3: wire.Bytes}
	tensorShape   = wire.Message{2: wire.Bytes | wire.Repeated, 3: wire.Varint}
)

// A parser reads one file.
type parser struct{ wire.Reader }

// parse reads saved_model.pb. The result takes at most some hundred bytes for each of maxFields.
func parse(file []byte) ([]*metaGraph, error) {
	p := parser{wire.Reader{Left: maxFields}}
	var graphs []*metaGraph
	err := p.Read(file, savedModelDef, func(f wire.Field) error {
		if f.Number != 2 {
			return nil
		}
		g, err := p.metaGraph(f.Bytes)
		graphs = append(graphs, g)
		return err
	})
	switch {
	case errors.Is(err, wire.ErrTooMuch):
		return nil, fmt.Errorf("saved_model.pb has more than %d fields, such as nodes and their attributes, which is too many for a network that repaints pictures", maxFields)
	case errors.Is(err, wire.ErrDamaged):
		return nil, fmt.Errorf("%w (%w)", errNoSavedModel, err)
	case err == nil && len(graphs) == 0:
		return nil, errNoSavedModel
	}
	return graphs, err
}

func (p *parser) metaGraph(b []byte) (*metaGraph, error) {
	g := &metaGraph{functions: make(map[string]*function)}
	var signatures []byte
	err := p.Read(b, metaGraphDef, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return p.Read(f.Bytes, metaInfoDef, func(f wire.Field) error {
				if f.Number == 4 {
					g.tags = append(g.tags, string(f.Bytes))
				}
				return nil
			})
		case 2:
			return p.graph(f.Bytes, g)
		case 3:
			return p.Read(f.Bytes, saverDef, func(f wire.Field) error {
				switch f.Number {
				case 1:
					g.filename = string(f.Bytes)
				case 3:
					g.restore = string(f.Bytes)
				}
				return nil
			})
		case 4:
			return p.collection(f.Bytes, g)
		case 5:
			signatures = protowire.AppendTag(signatures, 5, protowire.BytesType)
			signatures = protowire.AppendBytes(signatures, f.Bytes)
			return p.signature(f.Bytes)
		case 6:
			g.assets = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	def := new(corepb.MetaGraphDef)
	if err := proto.Unmarshal(signatures, def); err != nil {
		return nil, wire.ErrDamaged
	}
	g.signatures = def.GetSignatureDef()
	return g, nil
}

// signature counts the fields of a signature, so that their number is limited before another
// library parses the signature.
func (p *parser) signature(entry []byte) error {
	_, def, err := p.Entry(entry)
	if err != nil {
		return err
	}
	return p.Read(def, signatureDef, func(f wire.Field) error {
		if f.Number > 2 {
			return nil
		}
		_, info, err := p.Entry(f.Bytes)
		if err != nil {
			return err
		}
		return p.Read(info, tensorInfo, func(f wire.Field) error {
			if f.Number != 3 {
				return nil
			}
			return p.Read(f.Bytes, tensorShape, func(wire.Field) error { return nil })
		})
	})
}

// collection records what a collection tells TensorFlow to do when it loads the model.
func (p *parser) collection(entry []byte, g *metaGraph) error {
	name, def, err := p.Entry(entry)
	if err != nil {
		return err
	}
	switch name {
	case "saved_model_assets":
		g.assets = true
	case "saved_model_main_op", "legacy_init_op":
		return p.Read(def, collectionDef, func(f wire.Field) error {
			if f.Number != 1 {
				return nil
			}
			return p.Read(f.Bytes, nodeList, func(f wire.Field) error {
				g.initial = append(g.initial, string(f.Bytes))
				return nil
			})
		})
	}
	return nil
}

func (p *parser) graph(b []byte, g *metaGraph) error {
	return p.Read(b, graphDef, func(f wire.Field) error {
		switch f.Number {
		case 1:
			n, err := p.node(f.Bytes)
			g.main = append(g.main, n)
			return err
		case 2:
			return p.Read(f.Bytes, libraryDef, func(f wire.Field) error {
				if f.Number != 1 {
					return nil
				}
				return p.function(f.Bytes, g)
			})
		}
		return nil
	})
}

func (p *parser) function(b []byte, g *metaGraph) error {
	var name string
	fn := new(function)
	err := p.Read(b, functionDef, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return p.Read(f.Bytes, opDef, func(f wire.Field) error {
				switch f.Number {
				case 1:
					name = string(f.Bytes)
				case 2:
					arg, err := p.arg(f.Bytes)
					fn.args = append(fn.args, arg)
					return err
				}
				return nil
			})
		case 3:
			n, err := p.node(f.Bytes)
			fn.body = append(fn.body, n)
			return err
		case 5:
			return p.attr(f.Bytes, &fn.calls, 0)
		case 7:
			return p.Read(f.Bytes, argAttrEntry, func(f wire.Field) error {
				if f.Number != 2 {
					return nil
				}
				return p.Read(f.Bytes, argAttrs, func(f wire.Field) error { return p.attr(f.Bytes, &fn.calls, 0) })
			})
		}
		return nil
	})
	if err == nil && g.functions[name] != nil {
		err = fmt.Errorf("%w: two functions have the name %q", wire.ErrDamaged, name)
	}
	g.functions[name] = fn
	return err
}

// arg returns the name of a function's argument. It refuses references, and arguments that are not
// exactly one tensor, because the n-th argument would then not be the n-th input of a call.
func (p *parser) arg(b []byte) (name string, err error) {
	single := true
	err = p.Read(b, argDef, func(f wire.Field) error {
		switch f.Number {
		case 1:
			name = string(f.Bytes)
		case 5, 6:
			single = single && len(f.Bytes) == 0
		case 16:
			single = single && f.Int == 0
		}
		return nil
	})
	if err == nil && !single {
		err = errors.New("it is not one tensor: export the model again with TensorFlow's own functions")
	}
	if err != nil {
		err = fmt.Errorf("argument %.99q of a function: %w", name, err)
	}
	return name, err
}

func (p *parser) node(b []byte) (*node, error) {
	n := new(node)
	err := p.Read(b, nodeDef, func(f wire.Field) error {
		switch f.Number {
		case 1:
			n.name = string(f.Bytes)
		case 2:
			n.op = string(f.Bytes)
		case 3:
			n.inputs = append(n.inputs, string(f.Bytes))
		case 4:
			n.device = string(f.Bytes)
		case 5:
			return p.attr(f.Bytes, &n.calls, 0)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("node %.99q (%.99s): %w", n.name, n.op, err)
	}
	return n, err
}

// maxNested limits how deep functions with attributes may be nested in an attribute.
const maxNested = 8

// attr checks an attribute, and appends the functions that it names to calls. nested is how deep it
// is nested.
func (p *parser) attr(entry []byte, calls *[]string, nested int) error {
	name, value, err := p.Entry(entry)
	if err != nil {
		return err
	}
	members := 0
	return p.Read(value, attrValue, func(f wire.Field) error {
		if members++; members > 1 {
			return fmt.Errorf("%w: attribute %q has two values", wire.ErrDamaged, name)
		}
		switch f.Number {
		case 1:
			return p.Read(f.Bytes, attrList, func(f wire.Field) error {
				switch f.Number {
				case 8:
					return p.tensor(f.Bytes)
				case 9:
					return p.call(f.Bytes, calls, nested)
				}
				return nil
			})
		case 2:
			return checkText(name, f.Bytes)
		case 8:
			return p.tensor(f.Bytes)
		case 9:
			return fmt.Errorf("attribute %.99q is a placeholder, which a finished model does not have", name)
		case 10:
			return p.call(f.Bytes, calls, nested)
		}
		return nil
	})
}

func (p *parser) call(b []byte, calls *[]string, nested int) error {
	if nested++; nested > maxNested {
		return fmt.Errorf("attributes are nested more than %d deep", maxNested)
	}
	name := ""
	err := p.Read(b, nameAttrList, func(f wire.Field) error {
		if f.Number == 2 {
			return p.attr(f.Bytes, calls, nested)
		}
		name = string(f.Bytes)
		return nil
	})
	*calls = append(*calls, name)
	return err
}

// tensor refuses a tensor that holds anything but numbers and text.
func (p *parser) tensor(b []byte) error {
	return p.Read(b, tensorDef, func(f wire.Field) error {
		const resource, variant, reference = 20, 21, 100
		if f.Number == 1 && (f.Int%reference == resource || f.Int%reference == variant) {
			return errors.New("a constant holds a handle of a running program instead of numbers")
		}
		return nil
	})
}

// checkText refuses an attribute that changes how TensorFlow runs a function in a way that exports
// from Python don't.
func checkText(name string, value []byte) error {
	switch name {
	case "executor_type", "config":
		if len(value) > 0 {
			return fmt.Errorf("attribute %s is %.99q, and only an empty value is accepted: export the model without it", name, value)
		}
	case "config_proto":
		// A ConfigProto: devices (1, 6, 18), threads (2, 5, 9), placement (7, 8, 15), and an
		// empty message of experiments (16) are accepted.
		for rest := value; len(rest) > 0; {
			number, kind, size := protowire.ConsumeTag(rest)
			if size < 0 {
				return wire.ErrDamaged
			}
			of := protowire.ConsumeFieldValue(number, kind, rest[size:])
			if of < 0 {
				return wire.ErrDamaged
			}
			switch number {
			case 1, 2, 5, 6, 7, 8, 9, 15, 18:
			case 16:
				if of > 1 {
					return errors.New("attribute config_proto enables an experiment: export the model without it")
				}
			default:
				return fmt.Errorf("attribute config_proto sets field %d, which is not about devices or threads: export the model without it", number)
			}
			rest = rest[size+of:]
		}
	}
	return nil
}

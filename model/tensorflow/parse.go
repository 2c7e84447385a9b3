package tensorflow

import (
	"errors"
	"fmt"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/atelier-go/atelier/model/internal/wire"
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

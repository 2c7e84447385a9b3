package tensorflow

import (
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
)

// A metaGraph is the part of saved_model.pb for one set of tags.
type metaGraph struct {
	tags      []string
	main      scope
	functions map[string]*function
	// filename and restore are used by TensorFlow to read the variables: it feeds their path to
	// the tensor filename and runs the node restore.
	filename, restore string
	// initial are the nodes that TensorFlow runs after that.
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

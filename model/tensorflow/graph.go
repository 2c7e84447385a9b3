package tensorflow

import (
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
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

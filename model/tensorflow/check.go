package tensorflow

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// serves reports whether TensorFlow uses this graph for the tag "serve": only if that is the
// graph's only tag.
func (g *metaGraph) serves() bool {
	return len(g.tags) > 0 && !slices.ContainsFunc(g.tags, func(tag string) bool { return tag != serveTag })
}

// initSignature is the name of the signature that newer models have for what TensorFlow runs after
// it has read the variables.
const initSignature = "__saved_model_init_op"

func (g *metaGraph) hasVariables() bool {
	return slices.ContainsFunc(g.main, func(n *node) bool {
		return n.op == "VarHandleOp" || n.op == "VariableV2" || n.op == "Variable"
	})
}

// check refuses a graph that has operations that do more than compute, even if nothing uses their
// results: TensorFlow decides what to run, and its optimiser may run what nothing uses. Only the
// operations of a saver are accepted, at the places where TensorFlow's own exports have them.
func (g *metaGraph) check() error {
	if g.assets {
		return errors.New("the model has assets, files that its graph reads, which a network that repaints pictures does not need: export it without them")
	}
	if err := g.checkScope(g.main, ""); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(g.functions)) {
		fn := g.functions[name]
		of := fmt.Sprintf(" of function %.99q", name)
		// A node with that operation would call this function instead.
		if allowedOps[name] || saverOps[name] {
			return fmt.Errorf("a function has the name of an operation, %s", name)
		}
		if err := g.checkCalls(fn.calls); err != nil {
			return fmt.Errorf("an attribute%s %w", of, err)
		}
		if err := g.checkScope(fn.body, of); err != nil {
			return err
		}
	}
	if err := g.checkSizes(); err != nil {
		return err
	}
	return g.checkSaver()
}

// localDevice matches the devices of this machine.
var localDevice = regexp.MustCompile(`^(/job:localhost)?(/replica:0)?(/task:0)?(/(device:)?(CPU|cpu|GPU|gpu):(\d{1,3}|\*))?$`)

func (g *metaGraph) checkScope(nodes scope, of string) error {
	seen := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		if err := g.checkNode(n); err != nil {
			return fmt.Errorf("node %.99q%s %w", n.name, of, err)
		}
		if seen[n.name] {
			return fmt.Errorf("%w (node %.99q%s occurs twice)", errNoSavedModel, n.name, of)
		}
		seen[n.name] = true
	}
	return nil
}

func (g *metaGraph) checkNode(n *node) error {
	if !allowedOps[n.op] && !saverOps[n.op] {
		return fmt.Errorf("has the operation %.99q, which is not among the accepted operations in model/tensorflow/ops.go, which only compute: "+
			"a model must not access files, networks or programs; export it for inference, without that operation", n.op)
	}
	if n.device != "" && !localDevice.MatchString(n.device) {
		return fmt.Errorf("is for the device %.99q, and only this machine's devices are accepted: export the model with clear_devices", n.device)
	}
	return g.checkCalls(n.calls)
}

// checkCalls refuses calls of functions that the graph does not define: TensorFlow would use the
// operation of that name.
func (g *metaGraph) checkCalls(names []string) error {
	for _, name := range names {
		if g.functions[name] == nil {
			return fmt.Errorf("calls the function %.99q, which is not in saved_model.pb", name)
		}
	}
	return nil
}

// checkSizes refuses functions that call each other in circles, or so often that a small file would
// become an endless graph.
func (g *metaGraph) checkSizes() error {
	type size struct{ nodes, depth int }
	sizes := make(map[string]size)
	var measure func(of string, nodes scope, calls []string, level int) (size, error)
	measure = func(of string, nodes scope, calls []string, level int) (size, error) {
		s := size{nodes: len(nodes)}
		for _, n := range append(scope{{calls: calls}}, nodes...) {
			for _, name := range n.calls {
				inner, ok := sizes[name]
				if !ok && level <= maxDepth {
					var err error
					if inner, err = measure(fmt.Sprintf("function %.99q", name), g.functions[name].body, g.functions[name].calls, level+1); err != nil {
						return s, err
					}
					sizes[name] = inner
				}
				s.nodes, s.depth = s.nodes+inner.nodes, max(s.depth, inner.depth+1)
				if s.depth > maxDepth || level > maxDepth {
					return s, fmt.Errorf("%s calls itself, or its calls are nested more than %d deep, which no network that repaints pictures needs", of, maxDepth)
				}
				if s.nodes > maxExpanded {
					return s, fmt.Errorf("%s has more than %d nodes with all its calls, which is too many for a network that repaints pictures", of, maxExpanded)
				}
			}
		}
		return s, nil
	}
	_, err := measure("the graph", g.main, nil, 0)
	return err
}

// checkSaver refuses the operations of a saver wherever they would run, with one exception: the
// operation that reads the variables when the model is loaded, from the path that TensorFlow gives
// it. It also refuses loops that would run then.
func (g *metaGraph) checkSaver() error {
	run := slices.Clone(g.initial)
	for _, s := range g.signatures {
		for _, t := range s.GetInputs() {
			run = append(run, t.GetName())
		}
		for _, t := range s.GetOutputs() {
			run = append(run, t.GetName())
		}
	}
	if n := g.reached(run, saverOps); n != nil {
		return fmt.Errorf("node %.99q (%s) reads or writes files when the model is initialised or paints: export it for inference, without that node", n.name, n.op)
	}
	if n := g.reached([]string{g.restore}, map[string]bool{saveOp: true, mergeOp: true}); n != nil {
		return fmt.Errorf("node %.99q (%s) writes files when the model is loaded: export it for inference, without that node", n.name, n.op)
	}
	loading := append(slices.Clone(g.initial), g.restore)
	for _, t := range g.signatures[initSignature].GetOutputs() {
		loading = append(loading, t.GetName())
	}
	if n := g.reached(loading, loopOps); n != nil {
		return fmt.Errorf("node %.99q (%s) is a loop that would run when the model is loaded, where nothing can interrupt it: export it for inference, without that node", n.name, n.op)
	}
	for _, n := range g.main {
		if n.op == restoreOp && !g.isPath(n, 0) {
			return fromElsewhere(n)
		}
	}
	calls, elsewhere := g.calls()
	for name, fn := range g.functions {
		if !slices.ContainsFunc(fn.body, func(n *node) bool { return n.op == restoreOp }) {
			continue
		}
		var fed map[string]bool // by argument name
		if !elsewhere[name] {
			fed = g.fedWithPath(fn, calls[name])
		}
		for _, n := range fn.body {
			if n.op == restoreOp && (len(n.inputs) == 0 || !fed[n.inputs[0]]) {
				return fromElsewhere(n)
			}
		}
	}
	return nil
}

func fromElsewhere(n *node) error {
	return fmt.Errorf("node %.99q (%s) reads variables from outside of the model's folder: export it again with TensorFlow's own functions", n.name, n.op)
}

// isPath reports whether the given input of a node of the main graph is the path of the variables.
func (g *metaGraph) isPath(n *node, input int) bool {
	return input < len(n.inputs) && g.filename != "" &&
		strings.TrimSuffix(n.inputs[input], ":0") == strings.TrimSuffix(g.filename, ":0")
}

// calls returns for each function the nodes of the main graph that name it. elsewhere has the
// functions that are named in other places too, or by nodes that are not plain calls.
func (g *metaGraph) calls() (nodes map[string][]*node, elsewhere map[string]bool) {
	nodes, elsewhere = make(map[string][]*node), make(map[string]bool)
	for _, n := range g.main {
		for _, name := range n.calls {
			if named := nodes[name]; len(named) == 0 || named[len(named)-1] != n {
				nodes[name] = append(named, n)
			}
			elsewhere[name] = elsewhere[name] || n.op != "PartitionedCall" && n.op != "StatefulPartitionedCall"
		}
	}
	for _, fn := range g.functions {
		for _, name := range fn.calls {
			elsewhere[name] = true
		}
		for _, n := range fn.body {
			for _, name := range n.calls {
				elsewhere[name] = true
			}
		}
	}
	return nodes, elsewhere
}

// fedWithPath returns the names of a function's arguments that are the path of the variables in
// every call. Each argument is one tensor.
func (g *metaGraph) fedWithPath(fn *function, calls []*node) map[string]bool {
	fed := make(map[string]bool, len(fn.args))
	for i, arg := range fn.args {
		_, twice := fed[arg]
		fed[arg] = !twice && !slices.ContainsFunc(calls, func(n *node) bool { return !g.isPath(n, i) })
	}
	return fed
}

// reached returns a node with one of the operations ops that runs when the named tensors or nodes
// are evaluated; nil if there is none. If a function is called, all of its nodes are assumed to
// run.
func (g *metaGraph) reached(names []string, ops map[string]bool) *node {
	nodes := make(map[string]*node, len(g.main)) // of the main graph, not yet visited
	for _, n := range g.main {
		nodes[n.name] = n
	}
	called := make(map[string]bool)
	for len(names) > 0 {
		name, _, _ := strings.Cut(strings.TrimPrefix(names[len(names)-1], "^"), ":")
		names = names[:len(names)-1]
		n := nodes[name]
		if n == nil {
			continue
		}
		delete(nodes, name)
		names = append(names, n.inputs...)
		run := scope{n}
		for len(run) > 0 {
			n := run[len(run)-1]
			run = run[:len(run)-1]
			if ops[n.op] {
				return n
			}
			for _, name := range n.calls {
				if !called[name] {
					called[name] = true
					fn := g.functions[name]
					run = append(append(run, &node{calls: fn.calls}), fn.body...)
				}
			}
		}
	}
	return nil
}

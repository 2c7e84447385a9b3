package tensorflow

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// serves says whether TensorFlow takes this graph for the tag "serve": it compares sets.
func (g *metaGraph) serves() bool {
	return len(g.tags) > 0 && !slices.ContainsFunc(g.tags, func(tag string) bool { return tag != serveTag })
}

// initSignature names, in newer models, what TensorFlow runs after it has read the variables.
const initSignature = "__saved_model_init_op"

func (g *metaGraph) hasVariables() bool {
	return slices.ContainsFunc(g.main, func(n *node) bool {
		return n.op == "VarHandleOp" || n.op == "VariableV2" || n.op == "Variable"
	})
}

// check refuses a graph with operations that do more than compute, whether anything
// reaches them or not: which nodes run, TensorFlow decides, whose optimiser may evaluate
// others too. Only a saver's are tolerated, where TensorFlow's own exports have them.
func (g *metaGraph) check() error {
	if g.assets {
		return errors.New("the model has assets, files that its graph reads: a network that repaints pictures needs none; export it without them")
	}
	if err := g.checkScope(g.main, ""); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(g.functions)) {
		fn := g.functions[name]
		of := fmt.Sprintf(" of function %.99q", name)
		// A node of that operation would be a call of the function.
		if computing[name] || saving[name] {
			return fmt.Errorf("a function is called %s, as an operation is", name)
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

// local are the devices of this machine.
var local = regexp.MustCompile(`^(/job:localhost)?(/replica:0)?(/task:0)?(/(device:)?(CPU|cpu|GPU|gpu):(\d{1,3}|\*))?$`)

func (g *metaGraph) checkScope(nodes scope, of string) error {
	seen := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		if err := g.checkNode(n); err != nil {
			return fmt.Errorf("node %.99q%s %w", n.name, of, err)
		}
		if seen[n.name] {
			return fmt.Errorf("%w (node %.99q%s is there twice)", errNoSavedModel, n.name, of)
		}
		seen[n.name] = true
	}
	return nil
}

func (g *metaGraph) checkNode(n *node) error {
	if !computing[n.op] && !saving[n.op] {
		return fmt.Errorf("is of the operation %.99q, and only operations that compute are accepted, as model/tensorflow/ops.go lists them: "+
			"a model from elsewhere must not reach files, networks or programs; export it for inference, without that", n.op)
	}
	if n.device != "" && !local.MatchString(n.device) {
		return fmt.Errorf("is for the device %.99q, and only this machine's are accepted: export the model with clear_devices", n.device)
	}
	return g.checkCalls(n.calls)
}

// checkCalls refuses functions that are not of the graph: TensorFlow would take the
// operation of that name.
func (g *metaGraph) checkCalls(names []string) error {
	for _, name := range names {
		if g.functions[name] == nil {
			return fmt.Errorf("calls the function %.99q, which is not in saved_model.pb", name)
		}
	}
	return nil
}

// checkSizes refuses functions that call themselves or each other without end, or so often
// that a small file is a graph that never ends.
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
					return s, fmt.Errorf("%s calls itself, or has calls in calls more than %d deep: no network that repaints pictures needs that", of, maxDepth)
				}
				if s.nodes > maxExpanded {
					return s, fmt.Errorf("%s comes to more than %d nodes with all that it calls: that is no network that repaints pictures", of, maxExpanded)
				}
			}
		}
		return s, nil
	}
	_, err := measure("the graph", g.main, nil, 0)
	return err
}

// checkSaver refuses a saver's operations where they would run, other than the one that
// reads the variables, from the path that TensorFlow feeds, when it loads the model; and
// loops that would run then.
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
	if n := g.reached(run, saving); n != nil {
		return fmt.Errorf("node %.99q (%s) reads or writes files when the model is initialised or paints: export it for inference, without that", n.name, n.op)
	}
	if n := g.reached([]string{g.restore}, map[string]bool{saveOp: true, mergeOp: true}); n != nil {
		return fmt.Errorf("node %.99q (%s) writes files when the model is loaded: export it for inference, without that", n.name, n.op)
	}
	loading := append(slices.Clone(g.initial), g.restore)
	for _, t := range g.signatures[initSignature].GetOutputs() {
		loading = append(loading, t.GetName())
	}
	if n := g.reached(loading, repeating); n != nil {
		return fmt.Errorf("node %.99q (%s) repeats others when the model is loaded, where nothing ends a loop: export it for inference, without that", n.name, n.op)
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
		var fed map[string]bool // by the names of arguments
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
	return fmt.Errorf("node %.99q (%s) reads variables from another place than the model's folder: export it anew with TensorFlow's own functions", n.name, n.op)
}

// isPath says whether an input of a node of the main graph is the path of the variables.
func (g *metaGraph) isPath(n *node, input int) bool {
	return input < len(n.inputs) && g.filename != "" &&
		strings.TrimSuffix(n.inputs[input], ":0") == strings.TrimSuffix(g.filename, ":0")
}

// calls returns the nodes of the main graph that name each function, and which functions
// are named elsewhere too, or by nodes that are no plain calls.
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

// fedWithPath says which of a function's arguments, each of which is one tensor, are the
// path of the variables in all of its calls.
func (g *metaGraph) fedWithPath(fn *function, calls []*node) map[string]bool {
	fed := make(map[string]bool, len(fn.args))
	for i, arg := range fn.args {
		_, twice := fed[arg]
		fed[arg] = !twice && !slices.ContainsFunc(calls, func(n *node) bool { return !g.isPath(n, i) })
	}
	return fed
}

// reached returns a node of the given operations that runs when the named tensors or nodes
// are asked for, nil where none does. Of a function that is called, all is taken to run.
func (g *metaGraph) reached(names []string, ops map[string]bool) *node {
	nodes := make(map[string]*node, len(g.main)) // of the main graph, those not yet visited
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

package tensorflow

import (
	"fmt"
	"image"
	"runtime"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	tg "github.com/galeone/tfgo"
	"google.golang.org/protobuf/proto"
)

// An engine is a loaded graph. tfgo panics where others return an error; each of
// its calls is made in this file, through attempt, and nowhere else.
type engine struct {
	graph   *tg.Model
	threads threads
}

// attempt turns a panic into an error. tfgo panics with a string, with an error
// or, in a fault of its own, with a runtime error.
func attempt(do func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("%v", p)
		}
	}()
	do()
	return nil
}

// load hands dir to TensorFlow. Damaged variables come to light here. At most
// concurrent calls of run may be under way at once.
func load(dir string, threads, concurrent int) (*engine, error) {
	config, err := proto.Marshal(&corepb.ConfigProto{
		IntraOpParallelismThreads: int32(threads),
		// The graph is one chain of operations: a second one has nothing to run in
		// parallel with, and each hop between threads costs. Below zero means that
		// the thread of the caller does it all.
		InterOpParallelismThreads: -1,
	})
	if err != nil {
		return nil, err
	}
	e := &engine{threads: newThreads(concurrent)}
	err = attempt(func() {
		e.graph = tg.LoadModel(dir, []string{serveTag}, &tf.SessionOptions{Config: config})
	})
	if err != nil {
		return nil, fmt.Errorf("TensorFlow cannot load it: %w", err)
	}
	return e, nil
}

// find looks up the tensors behind ports.
func (e *engine) find(ports map[*tf.Output]port) error {
	for out, p := range ports {
		if err := attempt(func() { *out = e.graph.Op(p.op, p.index) }); err != nil {
			return err
		}
	}
	return nil
}

// run computes one output. The caller releases the inputs and the answer.
func (e *engine) run(out tf.Output, feeds map[tf.Output]*tf.Tensor) (answer *tf.Tensor, err error) {
	e.threads.do(func() {
		err = attempt(func() { answer = e.graph.Exec([]tf.Output{out}, feeds)[0] })
	})
	if err != nil {
		return nil, fmt.Errorf("running the network: %w", err)
	}
	return answer, nil
}

// paint runs the network and draws its answer over dst.
func (e *engine) paint(out tf.Output, feeds map[tf.Output]*tf.Tensor, dst *image.RGBA, share float32) (nans int, err error) {
	answer, err := e.run(out, feeds)
	if err != nil {
		return 0, err
	}
	defer release(answer)
	return drawOver(answer, dst, share)
}

// close gives TensorFlow's memory back. tfgo has no way to close a model but its
// finalizer, so the collector is asked twice: for the model, then for the
// session and the graph in it. Nothing may run any more.
func (e *engine) close() {
	e.threads.close()
	e.graph = nil
	runtime.GC()
	runtime.GC()
}

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

// An engine is a graph loaded into TensorFlow. tfgo panics instead of returning errors, so all
// calls of it are in this file, and go through attempt.
type engine struct {
	graph   *tg.Model
	threads threads
}

// attempt calls do and returns its panic as an error. The panics of tfgo are strings, errors or,
// because of a fault in tfgo, runtime errors.
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

// load loads the model in dir with TensorFlow. It returns an error if the variables are damaged.
// run may then be called by up to concurrent goroutines at the same time.
func load(dir string, threads, concurrent int) (*engine, error) {
	config, err := proto.Marshal(&corepb.ConfigProto{
		IntraOpParallelismThreads: int32(threads),
		// The graph is a chain of operations: there is no second one to run in parallel, and
		// each switch between threads costs time. A negative value means that the caller's
		// thread runs all of them.
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

// lookUp sets each output to the tensor of the graph that its port names.
func (e *engine) lookUp(ports map[*tf.Output]port) error {
	for out, p := range ports {
		if err := attempt(func() { *out = e.graph.Op(p.op, p.index) }); err != nil {
			return err
		}
	}
	return nil
}

// run computes one output of the graph from its inputs. The caller releases the inputs and the
// result.
func (e *engine) run(out tf.Output, feeds map[tf.Output]*tf.Tensor) (answer *tf.Tensor, err error) {
	e.threads.do(func() {
		err = attempt(func() { answer = e.graph.Exec([]tf.Output{out}, feeds)[0] })
	})
	if err != nil {
		return nil, fmt.Errorf("running the network: %w", err)
	}
	return answer, nil
}

// paint runs the network and blends its output over dst.
func (e *engine) paint(out tf.Output, feeds map[tf.Output]*tf.Tensor, dst *image.RGBA, share float32) (nans int, err error) {
	answer, err := e.run(out, feeds)
	if err != nil {
		return 0, err
	}
	defer release(answer)
	return drawOver(answer, dst, share)
}

// close frees TensorFlow's memory. tfgo can close a model only in its finalizer, so the garbage
// collector runs twice: for the model, then for its session and graph. No other call may be running.
func (e *engine) close() {
	e.threads.close()
	e.graph = nil
	runtime.GC()
	runtime.GC()
}

// Package yardstick measures the speed that the machine reaches with TensorFlow, for comparison
// with the shipped network.
package yardstick

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"
)

// Peak returns the highest number of operations a second of a product of two large matrices on one
// thread of TensorFlow, within the given time: an approximation of the processor's limit with this
// library. It sets the number of threads of the process.
func Peak(long time.Duration) (float64, error) {
	const n = 2048
	root := op.NewScope()
	a, b := op.Placeholder(root, tf.Float), op.Placeholder(root.SubScope("b"), tf.Float)
	// Only one number of it, because the whole matrix would be copied.
	product := op.MatMul(root, a, b)
	one := op.Slice(root, product, op.Const(root.SubScope("at"), []int32{0, 0}), op.Const(root.SubScope("size"), []int32{1, 1}))
	graph, err := root.Finalize()
	if err != nil {
		return 0, err
	}
	config, err := proto.Marshal(&corepb.ConfigProto{IntraOpParallelismThreads: 1, InterOpParallelismThreads: -1})
	if err != nil {
		return 0, err
	}
	session, err := tf.NewSession(graph, &tf.SessionOptions{Config: config})
	if err != nil {
		return 0, err
	}
	numbers, err := binary.Append(nil, binary.NativeEndian, slices.Repeat([]float32{1.5}, n*n))
	if err != nil {
		return 0, err
	}
	matrix, err := tf.ReadTensor(tf.Float, []int64{n, n}, bytes.NewReader(numbers))
	if err != nil {
		return 0, err
	}
	best := time.Hour
	for end := time.Now().Add(long); time.Now().Before(end); {
		began := time.Now()
		if _, err := session.Run(map[tf.Output]*tf.Tensor{a: matrix, b: matrix}, []tf.Output{one}, nil); err != nil {
			return 0, err
		}
		best = min(best, time.Since(began))
	}
	return 2 * n * n * n / best.Seconds(), nil
}

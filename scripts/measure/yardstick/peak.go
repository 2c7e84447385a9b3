// Package yardstick measures what the machine can do through TensorFlow, which the shipped
// network is compared with.
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

// Peak is how many operations a second a product of two large matrices reaches at
// best, in so much time, on one thread of TensorFlow's: as near to what the processor
// can do as this library comes. It decides the threads of the process.
func Peak(long time.Duration) (float64, error) {
	const n = 2048
	root := op.NewScope()
	a, b := op.Placeholder(root, tf.Float), op.Placeholder(root.SubScope("b"), tf.Float)
	// One number of it: the whole would be copied out.
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

//go:build !onnx

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"slices"
	"time"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"
)

// products answers how many operations a second a product of two large matrices
// reaches at best, on one thread of TensorFlow's: as near to what the processor
// can do as this library comes.
func products(_ context.Context, t task, out io.Writer) error {
	const n = 2048
	root := op.NewScope()
	a, b := op.Placeholder(root, tf.Float), op.Placeholder(root.SubScope("b"), tf.Float)
	// One number of it: the whole would be copied out.
	product := op.MatMul(root, a, b)
	one := op.Slice(root, product, op.Const(root.SubScope("at"), []int32{0, 0}), op.Const(root.SubScope("size"), []int32{1, 1}))
	graph, err := root.Finalize()
	if err != nil {
		return err
	}
	config, err := proto.Marshal(&corepb.ConfigProto{IntraOpParallelismThreads: 1, InterOpParallelismThreads: -1})
	if err != nil {
		return err
	}
	session, err := tf.NewSession(graph, &tf.SessionOptions{Config: config})
	if err != nil {
		return err
	}
	numbers, err := binary.Append(nil, binary.NativeEndian, slices.Repeat([]float32{1.5}, n*n))
	if err != nil {
		return err
	}
	matrix, err := tf.ReadTensor(tf.Float, []int64{n, n}, bytes.NewReader(numbers))
	if err != nil {
		return err
	}
	best := time.Hour
	for another := lasting(time.Duration(t.Seconds * float64(time.Second))); another(); {
		began := time.Now()
		if _, err := session.Run(map[tf.Output]*tf.Tensor{a: matrix, b: matrix}, []tf.Output{one}, nil); err != nil {
			return err
		}
		best = min(best, time.Since(began))
	}
	return answer(out, 2*n*n*n/best.Seconds())
}

package onnx

import "strings"

// allowedOperators are the operators that a network may have: those that model/train/export.py
// writes, and others that converters use for image networks. None of them has a subgraph, so that
// loops and branches are impossible.
var allowedOperators = setOf(`
	Constant ConstantOfShape Identity Cast CastLike Shape Size Range Expand

	Abs Add Ceil Clip Cos Div Equal Erf Exp Floor Greater GreaterOrEqual Less LessOrEqual Log Max Min Mod Mul Neg
	Not And Or Xor Pow Reciprocal Round Sign Sin Sqrt Sub Sum Mean Where
	Celu Elu Gelu HardSigmoid HardSwish LeakyRelu LogSoftmax Mish PRelu Relu Selu Sigmoid Softmax Softplus Softsign Tanh
	ArgMax ArgMin CumSum ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare

	AveragePool BatchNormalization Conv ConvTranspose Einsum Gemm GlobalAveragePool GlobalMaxPool
	GroupNormalization InstanceNormalization LRN LayerNormalization MatMul MaxPool MeanVarianceNormalization

	Concat DepthToSpace Flatten Gather GatherElements GatherND Pad Reshape Resize Slice SpaceToDepth Split Squeeze
	Tile Transpose Unsqueeze Upsample
`)

func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}

package onnx

import "strings"

// computing are the operators that are accepted: those of the networks that
// model/train/export.py writes, and what converters make of other networks for pictures.
// None has a graph within, so that none loops or branches.
var computing = setOf(`
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
	for _, name := range strings.Fields(names) {
		set[name] = true
	}
	return set
}

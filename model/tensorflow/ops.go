package tensorflow

import "strings"

// allowedOps are the operations that only compute: they read and write tensors, but not files, sockets,
// processes or the state of other graphs. The list has those of the shipped model, of Magenta's and of
// the test models, and others that are common in image networks. Other operations are refused, even
// harmless ones.
var allowedOps = setOf(`
	Placeholder PlaceholderWithDefault Const NoOp Identity IdentityN StopGradient PreventGradient
	Cast Fill OnesLike ZerosLike Range Rank Shape ShapeN Size EnsureShape

	PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile
	Switch Merge Enter Exit NextIteration LoopCond ControlTrigger Assert CheckNumerics
	RandomUniform RandomStandardNormal TruncatedNormal

	Abs Add AddN AddV2 Ceil Cos Div DivNoNan Equal Erf Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual
	Inv IsFinite IsInf IsNan Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul MulNoNan
	Neg NotEqual Pow RealDiv Reciprocal Rint Round Rsqrt Select SelectV2 Sign Sin Sqrt Square SquaredDifference
	Sub Tan TruncateDiv TruncateMod Xdivy ClipByValue
	Elu LeakyRelu LogSoftmax Relu Relu6 Selu Sigmoid Softmax Softplus Softsign Tanh
	All Any ArgMax ArgMin Cumsum L2Loss Max Mean Min Prod Sum

	AvgPool BatchMatMul BatchMatMulV2 BatchMatMulV3 BiasAdd BiasAddV1 Conv2D Conv2DBackpropInput
	DepthwiseConv2dNative Einsum FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN MatMul MaxPool

	BatchToSpaceND BroadcastArgs BroadcastTo Concat ConcatV2 DepthToSpace ExpandDims Gather GatherNd GatherV2
	InvertPermutation MirrorPad OneHot Pack Pad PadV2 Reshape ResizeArea ResizeBicubic ResizeBilinear
	ResizeNearestNeighbor ReverseV2 Slice SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice
	Tile Transpose Unpack

	VarHandleOp VarIsInitializedOp ReadVariableOp AssignVariableOp DisableCopyOnRead
	Variable VariableV2 Assign IsVariableInitialized
	StringJoin ShardedFilename StaticRegexFullMatch
`)

// The operations of a saver, which read and write files. Every TensorFlow 2 model that has
// variables has them. [metaGraph.checkSaver] says where they are accepted.
const (
	restoreOp = "RestoreV2"
	saveOp    = "SaveV2"
	mergeOp   = "MergeV2Checkpoints"
)

var saverOps = setOf(restoreOp + " " + saveOp + " " + mergeOp)

// loopOps are the operations of which loops consist.
var loopOps = setOf("While StatelessWhile Enter NextIteration")

func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}

"""Builds the two networks of nets.py as ONNX graphs, from the same folded numpy weights.

The layout is NCHW, for which ONNX's operators are defined. Each function here has the name of its
counterpart in nets.py or export.py.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

import nets

OPSET = 18
IR = 9  # the file format of opset 18's time, so that older libraries read it


class Graph:
    """The nodes and constants of a graph, in the order in which they are added."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, value):
        """Return the name of a constant. Constants that are equal are stored once."""
        value = np.asarray(value, order="C")
        key = value.dtype.str, value.shape, value.tobytes()
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(value, f"c{len(self.constants)}")
        return self.constants[key].name

    def __call__(self, operator, *inputs, outputs=1, **attributes):
        """Add a node and return the name of its output, or a list of names if it has several.
        Arrays among its inputs become constants.
        """
        names = [f"{operator.lower()}{len(self.nodes)}_{i}" for i in range(outputs)]
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def model(self, name, inputs, outputs):
        """Return the model, after checking it. inputs and outputs are {name: shape}. The outputs
        are the last nodes with these names.
        """
        def described(tensors):
            return [helper.make_tensor_value_info(key, onnx.TensorProto.FLOAT, shape) for key, shape in tensors.items()]
        graph = helper.make_graph(self.nodes, name, described(inputs), described(outputs), list(self.constants.values()))
        model = helper.make_model(graph, producer_name="atelier", ir_version=IR,
                                  opset_imports=[helper.make_opsetid("", OPSET)])
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def integers(*values):
    return np.array(values, np.int64)


def kernel(value):
    """Return a kernel of TensorFlow, [h,w,in,out], in the layout of ONNX."""
    return np.transpose(value, (3, 2, 0, 1))


def depth_kernel(value):
    """Return a depthwise kernel of TensorFlow, [h,w,channels,1], in the layout of ONNX."""
    return np.transpose(value, (2, 3, 0, 1))


# --- transformer ---------------------------------------------------------------


def _same(size, stride):
    """Return the zero padding that TensorFlow's SAME uses for sides that the stride divides. If
    it is odd, the end gets one more.
    """
    both = max(size - stride, 0)
    return [both // 2] * 2 + [both - both // 2] * 2


def _conv(g, x, weights, stride=1):
    size = weights.shape[0]
    return g("Conv", x, kernel(weights), strides=[stride] * 2, pads=_same(size, stride), kernel_shape=[size] * 2)


def _depth(g, x, weights, name):
    channels = weights[name + ".depth"].shape[2]
    return g("Conv", x, depth_kernel(weights[name + ".depth"]), group=channels, pads=_same(3, 1), kernel_shape=[3, 3])


def _normalise(g, x, scale, offset):
    return g("InstanceNormalization", x, scale, offset, epsilon=nets.EPSILON)


def _modulate(g, x, weights, scale, offset):
    scaled = g("Mul", kernel(weights), g("Reshape", scale, integers(-1, 1, 1, 1)))
    return g("Relu", g("Conv", x, scaled, offset, kernel_shape=[1, 1]))


def mirror_again(g, x):
    """Return x with its outermost cells mirrored again from the cells inside."""
    border = nets.PADDING // 4
    for axis in (2, 3):
        end = g("Sub", g("Shape", x, start=axis, end=axis + 1), integers(border))
        last = g("Sub", end, integers(1))

        def mirrored_cells(first, mirror):
            """Return the cells at mirror - first, mirror - first - 1, ..., which are inside."""
            places = g("Sub", g("Sub", mirror, first), integers(*range(border)))
            return g("Gather", x, g("Max", g("Min", places, last), integers(border)), axis=axis)

        within = g("Slice", x, integers(border), end, integers(axis))
        before = mirrored_cells(integers(0), integers(2 * border))
        behind = mirrored_cells(end, g("Mul", last, integers(2)))
        x = g("Concat", before, within, behind, axis=axis)
    return x


def paint(g, weights, content, vector):
    manner = g("Add", g("MatMul", vector, weights["style"]), weights["style.bias"])
    sizes = nets.styled(weights)
    pieces = g("Split", g("Reshape", manner, integers(-1)), integers(*sizes, *sizes), outputs=2 * len(sizes), axis=0)
    manners = iter(zip(pieces[: len(sizes)], pieces[len(sizes) :]))

    x = g("Sub", content, np.float32(0.5))
    x = g("Relu", _normalise(g, _conv(g, x, weights["down1"], 2), *next(manners)))
    x = g("Relu", _normalise(g, _conv(g, x, weights["down2"], 2), *next(manners)))
    for block in range(nets.BLOCKS):
        x = mirror_again(g, x)
        first, second = f"block{block}a", f"block{block}b"
        y = _modulate(g, _depth(g, x, weights, first), weights[first + ".point"], *next(manners))
        y = _conv(g, _depth(g, y, weights, second), weights[second + ".point"])
        x = g("Add", x, _normalise(g, y, *next(manners)))
    x = mirror_again(g, x)
    scale, offset = (g("Concat", *[piece] * 4, axis=0) for piece in next(manners))
    x = _modulate(g, _depth(g, x, weights, "up1"), weights["up1.point"], scale, offset)
    x = g("DepthToSpace", x, blocksize=2, mode="DCR")
    x = g("Relu", _normalise(g, _conv(g, x, weights["up2"]), *next(manners)))
    x = g("Conv", x, kernel(weights["rgb"]), weights["rgb.bias"], pads=_same(3, 1), kernel_shape=[3, 3])
    return g("DepthToSpace", g("Sigmoid", x), blocksize=2, mode="DCR")


def mirrored(g, x, axis):
    """Return x with a border of nets.PADDING on both sides of an axis. The far side gets more,
    up to a multiple of 4.
    """
    side = g("Shape", x, start=axis, end=axis + 1)
    period = g("Max", g("Mul", g("Sub", side, integers(1)), integers(2)), integers(1))
    behind = g("Mod", g("Neg", side), integers(4))

    def border(first, count):
        """Return the columns or rows at the places first, first + 1, ... beyond an edge. A small
        picture is mirrored as often as needed.
        """
        places = g("Range", g("Squeeze", first), g("Squeeze", g("Add", first, count)), np.int64(1))
        places = g("Mod", places, period)
        return g("Gather", x, g("Min", places, g("Sub", period, places)), axis=axis)

    # The borders alone are gathered: along a row, that is a copy value by value.
    padding = integers(nets.PADDING)
    return g("Concat", border(-padding, padding), x, border(side, g("Add", padding, behind)), axis=axis)


def transform(transformer):
    """Return the graph that repaints a picture of any size, from 1 x 1, with a vector."""
    g, weights = Graph(), transformer
    shape = g("Shape", "content", start=2, end=4)
    painted = paint(g, weights, mirrored(g, mirrored(g, "content", 2), 3), "vector")
    padding = integers(nets.PADDING, nets.PADDING)
    g("Slice", painted, padding, g("Add", shape, padding), integers(2, 3))
    g.nodes[-1].output[0] = "output_0"
    return g.model("transform", {"content": [1, 3, "H", "W"], "vector": [1, nets.VECTOR]}, {"output_0": [1, 3, "H", "W"]})


# --- predictor -----------------------------------------------------------------


def predict_style(predictor):
    """Return the graph that computes the vector of a style from its picture."""
    g, weights = Graph(), predictor

    def conv(x, name, bias, depthwise=False, stride=1):
        shape = weights[name].shape
        return g("Conv", x, (depth_kernel if depthwise else kernel)(weights[name]), weights[bias + ".bias"],
                 group=shape[2] if depthwise else 1, strides=[stride] * 2, kernel_shape=list(shape[:2]), auto_pad="SAME_UPPER")

    def relu6(x):
        return g("Clip", x, np.float32(0), np.float32(6))

    x = relu6(conv(g("Sub", "style", np.float32(0.5)), "stem", "stem", stride=2))
    channels = nets.STEM
    for index, (outputs, stride) in enumerate(nets.STAGES):
        name = f"stage{index}"
        y = relu6(conv(x, name + ".depth", name + ".d", depthwise=True, stride=stride))
        y = conv(y, name + ".point", name + ".p")
        if stride == 1 and channels == outputs:
            y = g("Add", x, y)
        x, channels = relu6(y), outputs
    pooled = [g(reduce, x, integers(2, 3), keepdims=0) for reduce in ("ReduceMean", "ReduceMax")]
    hidden = g("Add", g("MatMul", g("Concat", *pooled, axis=1), weights["hidden"]), weights["hidden.bias"])
    g("Add", g("MatMul", g("Relu", hidden), weights["out"]), weights["out.bias"])
    g.nodes[-1].output[0] = "vector"
    return g.model("predict_style", {"style": [1, 3, "H", "W"]}, {"vector": [1, nets.VECTOR]})

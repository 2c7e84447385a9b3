"""Counts the trained parameters of the networks, and the operations that they perform at a size.

    python cost.py FOLDER [--side 512]

An operation is one multiplication or addition. Only convolutions and matrix products are counted.
"""

import argparse
import pathlib

import numpy as np
import tensorflow as tf

import nets
from data import STYLE_SIDE


def operations(graph):
    """Return the number of multiplications and additions of a graph whose shapes are known."""
    total = 0
    for operation in graph.get_operations():
        if operation.type in ("Conv2D", "DepthwiseConv2dNative", "MatMul"):
            kernel, result = operation.inputs[1].shape, operation.outputs[0].shape
            # What one number of the result is a sum of.
            terms = kernel[0] if operation.type == "MatMul" else kernel[0] * kernel[1]
            terms *= kernel[2] if operation.type == "Conv2D" else 1
            total += 2 * terms * result.num_elements()
    return total


def traced(function, *shapes):
    return tf.function(function).get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes)).graph


def sized(folder, shapes):
    """Return the graph of a SavedModel's signature. Its inputs, given by name, have fixed
    shapes.
    """
    loaded = tf.saved_model.load(str(folder), tags=["serve"])
    source = loaded.signatures["serving_default"].graph.as_graph_def()
    for node in source.node:
        node.attr.pop("_output_shapes", None)
    with tf.Graph().as_default() as graph:
        inputs = {f"{name}:0": tf.compat.v1.placeholder(tf.float32, shape) for name, shape in shapes.items()}
        tf.import_graph_def(source, inputs)
    return graph


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder, for teacher/")
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    teacher, side, zeros = options.folder / "teacher", options.side, np.zeros(nets.VECTOR, np.float32)
    transformer, predictor = nets.new_transformer(0, zeros, zeros + 1), nets.new_predictor(0, zeros, zeros + 1)
    picture, style, vector = [1, side, side, 3], [1, STYLE_SIDE, STYLE_SIDE, 3], [1, nets.VECTOR]
    bordered = side + 2 * nets.PADDING
    for name, weights, ours, theirs in (
        (f"transformer, {side} x {side}", transformer,
         traced(lambda x, v: nets.paint(transformer, x, v), [1, bordered, bordered, 3], vector),
         sized(teacher / "transformer", {"content": picture, "style_vector": vector})),
        (f"predictor, {STYLE_SIDE} x {STYLE_SIDE}", predictor,
         traced(lambda x: nets.predict(predictor, x), style),
         sized(teacher / "style_predictor", {"style": style})),
    ):
        print(f"{name}: {nets.size(weights):,} parameters, {operations(ours) / 1e9:.2f} billion operations "
              f"(teacher: {operations(theirs) / 1e9:.2f})")


if __name__ == "__main__":
    main()

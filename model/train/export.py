"""Writes the two trained networks as one SavedModel with three signatures, and as two ONNX files.

The SavedModel is a TensorFlow 1 graph with the weights as constants: no functions, no
variables, one file, which the C API loads fast and whose operations bear their literal
names. The ONNX files have the same weights; see onnxgraph.py.
"""

import argparse
import csv
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

import nets
import onnxgraph
import training

v1 = tf.compat.v1


def mirrored(x, axis):
    """x with a border of nets.PADDING on both sides of an axis, and more behind to a multiple of 4.

    By index, since tf.pad mirrors no more than there is; this folds as often as a
    picture of a few pixels needs.
    """
    side = tf.shape(x)[axis]
    places = tf.range(-nets.PADDING, side + nets.PADDING + tf.math.floormod(-side, 4))
    period = tf.maximum(2 * (side - 1), 1)
    places = tf.math.floormod(places, period)
    return tf.gather(x, tf.minimum(places, period - places), axis=axis)


def transform_any(weights, content, vector):
    """The transformer for a picture of any size of at least 1 x 1."""
    shape = tf.shape(content)
    painted = nets.paint(weights, mirrored(mirrored(content, 1), 2), vector)
    return tf.slice(painted, [0, nets.PADDING, nets.PADDING, 0], tf.stack([1, shape[1], shape[2], 3]))


def constants(weights, scope):
    with tf.name_scope(scope):
        return {name: tf.constant(value, tf.float32, name=name.replace(".", "_")) for name, value in weights.items()}


def write(transformer, predictor, target):
    """target/saved_model.pb from the numpy weights of two checkpoints; replaced whole."""
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default(), v1.Session() as session:
        transformer = constants(nets.fold_transformer(transformer), "transformer")
        predictor = constants(nets.fold_predictor(predictor), "predictor")

        def picture(name):
            return v1.placeholder(tf.float32, [1, None, None, 3], name)

        def signature(inputs, name, output):
            outputs = {name: v1.saved_model.build_tensor_info(output)}
            inputs = {key: v1.saved_model.build_tensor_info(tensor) for key, tensor in inputs.items()}
            return v1.saved_model.build_signature_def(inputs, outputs, "tensorflow/serving/predict")

        content, style = picture("placeholder"), picture("placeholder_1")
        with tf.name_scope("whole"):
            painted = transform_any(transformer, content, nets.predict(predictor, style))
        painted = tf.identity(painted, "output_0")
        whole = signature({"placeholder": content, "placeholder_1": style}, "output_0", painted)

        style = picture("style")
        with tf.name_scope("read"):
            read = nets.predict(predictor, style)
        read = signature({"style": style}, "vector", tf.identity(read, "predicted"))

        content, vector = picture("content"), v1.placeholder(tf.float32, [1, nets.VECTOR], "vector")
        with tf.name_scope("repaint"):
            painted = transform_any(transformer, content, vector)
        repaint = signature({"content": content, "vector": vector}, "output_0", tf.identity(painted, "painted"))

        with tempfile.TemporaryDirectory(dir=target) as folder:
            builder = v1.saved_model.Builder(os.path.join(folder, "model"))
            builder.add_meta_graph_and_variables(
                session, ["serve"], strip_default_attrs=True, clear_devices=True,
                signature_def_map={"serving_default": whole, "predict_style": read, "transform": repaint})
            os.replace(builder.save(), target / "saved_model.pb")


def write_onnx(transformer, predictor, target):
    """target/transform.onnx and target/predict_style.onnx from the same weights."""
    for name, content in (("transform", onnxgraph.transform(transformer)), ("predict_style", onnxgraph.predict_style(predictor))):
        fresh = target / f".{name}.onnx"
        fresh.write_bytes(content)
        os.replace(fresh, target / f"{name}.onnx")


def write_curves(run, target):
    """The curves of the three stages as one table, a cell empty where a stage doesn't measure it."""
    rows = []
    for stage in ("transformer", "predictor", "chain"):
        curve = run / f"{stage}.csv"
        if curve.exists():
            with curve.open(newline="") as file:
                rows += [{"stage": stage} | row for row in csv.DictReader(file)]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=pathlib.Path, help="folder with transformer.npz and chain.npz, or else predictor.npz")
    parser.add_argument("target", type=pathlib.Path, help="folder of the model, for saved_model.pb and the ONNX files; metrics.csv goes beside the folder")
    options = parser.parse_args()
    chain = options.run / "chain.npz"
    predictor = chain if chain.exists() else options.run / "predictor.npz"
    parts = [training.averaged(path) for path in (options.run / "transformer.npz", predictor)]
    write(*parts, options.target)
    write_onnx(*parts, options.target)
    write_curves(options.run, options.target.parent / "metrics.csv")
    for name in ("saved_model.pb", "transform.onnx", "predict_style.onnx"):
        print(f"{options.target / name}: {(options.target / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()

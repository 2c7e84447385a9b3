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

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import nets
import onnxgraph
import training

v1 = tf.compat.v1

SIMD = 16  # float32 values in a register of AVX-512


def normalise_in_pairs(x, scale, offset, activation=tf.identity):
    """nets.normalise, faster where channels are no multiple of SIMD.

    There TensorFlow 2.21's oneDNN takes slow code, for the same bytes 3.6 times the time
    with the 24 channels at half the side as with 48. Taken as pairs of neighbours in a row they are 48, a multiple. The first pass
    is for the statistics alone, which are then put together; the second applies them.
    """
    channels = x.shape[-1]
    if channels % SIMD == 0:
        return nets.normalise(x, scale, offset, activation)
    shape = tf.shape(x)
    pairs = tf.reshape(x, tf.stack([1, shape[1], shape[2] // 2, 2 * channels]))
    empty, one, zero = tf.zeros([0]), tf.ones([2 * channels]), tf.zeros([2 * channels])
    each = tf.raw_ops.FusedBatchNormV3(
        x=pairs, scale=one, offset=zero, mean=empty, variance=empty, epsilon=nets.EPSILON, is_training=True)
    means = tf.reshape(each.batch_mean, [2, channels])
    mean = tf.reduce_mean(means, 0)
    # reserve_space_2 is the variance without Bessel's correction, the one that normalises.
    variance = tf.reduce_mean(tf.reshape(each.reserve_space_2, [2, channels]) + tf.square(means - mean), 0)
    pairs = tf.raw_ops.FusedBatchNormV3(
        x=pairs, scale=tf.tile(scale, [2]), offset=tf.tile(offset, [2]), mean=tf.tile(mean, [2]),
        variance=tf.tile(variance, [2]), epsilon=nets.EPSILON, is_training=False).y
    y = tf.reshape(activation(pairs), shape)
    y.set_shape(x.shape)
    return y


def mirrored(x, axis):
    """x with a border of nets.PADDING on both sides of an axis, and more behind to a multiple of 4.

    By index, since tf.pad mirrors no more than there is; this folds as often as a
    picture of a few pixels needs. The borders alone are gathered: along a row, that is a
    copy pixel by pixel.
    """
    side = tf.shape(x)[axis]
    period = tf.maximum(2 * (side - 1), 1)

    def border(first, end):
        places = tf.math.floormod(tf.range(first, end), period)
        return tf.gather(x, tf.minimum(places, period - places), axis=axis)

    behind = side + nets.PADDING + tf.math.floormod(-side, 4)
    return tf.concat([border(-nets.PADDING, 0), x, border(side, behind)], axis)


def transform_any(weights, content, vector):
    """The transformer for a picture of any size of at least 1 x 1."""
    shape = tf.shape(content)
    painted = nets.paint(weights, mirrored(mirrored(content, 2), 1), vector, normalise_in_pairs)
    return tf.slice(painted, [0, nets.PADDING, nets.PADDING, 0], tf.stack([1, shape[1], shape[2], 3]))


def constants(weights, scope):
    with tf.name_scope(scope):
        return {name: tf.constant(value, tf.float32, name=name.replace(".", "_")) for name, value in weights.items()}


def write(transformer, predictor, target):
    """target/saved_model.pb from the folded numpy weights of both networks; replaced whole."""
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default(), v1.Session() as session:
        transformer, predictor = constants(transformer, "transformer"), constants(predictor, "predictor")

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
    """The curves of the three stages as one table, a cell empty where a stage doesn't measure it.

    A run that start.py began comes after those of the model that it went on from.
    """
    rows, number = [], 1
    earlier = run / "earlier.csv"
    if earlier.exists():
        with earlier.open(newline="") as file:
            rows = [{"run": "1"} | row for row in csv.DictReader(file)]
        number = 1 + max(int(row["run"]) for row in rows)
    for stage in ("transformer", "predictor", "chain"):
        curve = run / f"{stage}.csv"
        if curve.exists():
            with curve.open(newline="") as file:
                rows += [{"run": number, "stage": stage} | row for row in csv.DictReader(file)]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def trained(run):
    """The folded weights of both networks, from a run's checkpoints."""
    chain = run / "chain.npz"
    predictor = chain if chain.exists() else run / "predictor.npz"
    return (nets.fold_transformer(training.averaged(run / "transformer.npz")),
            nets.fold_predictor(training.averaged(predictor)))


def shipped(model):
    """The folded weights of both networks, from a saved_model.pb that write has made."""
    file = saved_model_pb2.SavedModel.FromString((model / "saved_model.pb").read_bytes())
    found = {"transformer": {}, "predictor": {}}
    for node in file.meta_graphs[0].graph_def.node:
        network, _, name = node.name.partition("/")
        if node.op == "Const" and network in found:
            found[network][dotted(name)] = tf.make_ndarray(node.attr["value"].tensor)
    return found.values()


def dotted(name):
    """The name of a weight that constants has named: up1_depth is up1.depth."""
    return name.replace("_", ".")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=pathlib.Path, help=(
        "folder with transformer.npz and chain.npz, or else predictor.npz; "
        "or of a model, whose weights are then written anew, as this version writes them"))
    parser.add_argument("target", type=pathlib.Path, help=(
        "folder of the model, for saved_model.pb and the ONNX files; a run's metrics.csv goes beside the folder"))
    options = parser.parse_args()
    again = (options.run / "saved_model.pb").exists()
    parts = shipped(options.run) if again else trained(options.run)
    write(*parts, options.target)
    write_onnx(*parts, options.target)
    if not again:
        write_curves(options.run, options.target.parent / "metrics.csv")
    for name in ("saved_model.pb", "transform.onnx", "predict_style.onnx"):
        print(f"{options.target / name}: {(options.target / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()

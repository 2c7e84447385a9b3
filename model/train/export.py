"""Writes the two trained networks as one SavedModel with three signatures, and as two ONNX
files.

The SavedModel is a TensorFlow 1 graph with the weights as constants. It has no functions and no
variables, and is one file, which the C API loads fast, and in which each operation has exactly the
name that it was given. The ONNX files have the same weights; see onnxgraph.py.
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
    """Compute the same as nets.normalise, but faster if the number of channels is not a multiple
    of the SIMD width.

    For such numbers the oneDNN of TensorFlow 2.21 uses slow code: with 24 channels at half the side
    it takes 3.6 times as long as with 48, for the same number of bytes. If neighbours in a row are
    taken as pairs, 24 channels become 48. The first pass computes the statistics of the pairs,
    which are then combined; the second pass applies them.
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
    """Return x with a border of nets.PADDING on both sides of an axis. The far side gets more,
    up to a multiple of 4.

    The border repeats x as in a mirror. It is gathered by index, because tf.pad can't mirror more
    than there is, and a picture of a few pixels must be mirrored several times. Only the borders
    are gathered: along a row, gathering copies pixel by pixel.
    """
    side = tf.shape(x)[axis]
    period = tf.maximum(2 * (side - 1), 1)

    def border(first, end):
        places = tf.math.floormod(tf.range(first, end), period)
        return tf.gather(x, tf.minimum(places, period - places), axis=axis)

    behind = side + nets.PADDING + tf.math.floormod(-side, 4)
    return tf.concat([border(-nets.PADDING, 0), x, border(side, behind)], axis)


def transform_any(weights, content, vector):
    """Run the transformer on a picture of any size, from 1 x 1."""
    shape = tf.shape(content)
    painted = nets.paint(weights, mirrored(mirrored(content, 2), 1), vector, normalise_in_pairs)
    return tf.slice(painted, [0, nets.PADDING, nets.PADDING, 0], tf.stack([1, shape[1], shape[2], 3]))


def constants(weights, scope):
    with tf.name_scope(scope):
        return {name: tf.constant(value, tf.float32, name=name.replace(".", "_")) for name, value in weights.items()}


def write(transformer, predictor, target):
    """Write target/saved_model.pb from the folded numpy weights of both networks. An existing
    file is replaced as a whole.
    """
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
    """Write target/transform.onnx and target/predict_style.onnx from the same weights."""
    for name, content in (("transform", onnxgraph.transform(transformer)), ("predict_style", onnxgraph.predict_style(predictor))):
        fresh = target / f".{name}.onnx"
        fresh.write_bytes(content)
        os.replace(fresh, target / f"{name}.onnx")


def write_curves(run, target):
    """Write the curves of the three training stages as one table. A cell is empty if its stage
    does not measure that value.

    If the run was begun by start.py, its curves are appended to those of the model from which it
    went on.
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
    """Return the folded weights of both networks from the checkpoints of a run."""
    chain = run / "chain.npz"
    predictor = chain if chain.exists() else run / "predictor.npz"
    return (nets.fold_transformer(training.averaged(run / "transformer.npz")),
            nets.fold_predictor(training.averaged(predictor)))


def shipped(model):
    """Return the folded weights of both networks from a saved_model.pb that write has made."""
    file = saved_model_pb2.SavedModel.FromString((model / "saved_model.pb").read_bytes())
    found = {"transformer": {}, "predictor": {}}
    for node in file.meta_graphs[0].graph_def.node:
        network, _, name = node.name.partition("/")
        if node.op == "Const" and network in found:
            found[network][dotted(name)] = tf.make_ndarray(node.attr["value"].tensor)
    return found.values()


def dotted(name):
    """Return the name of a weight for the name that constants gave it: up1.depth for up1_depth."""
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

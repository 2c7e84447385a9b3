#!/usr/bin/env python3
"""Writes the test models, of a few KB each, into this folder. Their output can be computed by hand.

    python model/testdata/make.py        # TensorFlow 2.x, onnx; made with 2.21.0 and 1.23.2

All of them paint with the mean colour of the style:

    output = 0.5 * content + 0.5 * mean(style)

"full" has all three signatures, a variable (the 0.5) and the names that
TensorFlow 2 gives; its vector has 100 numbers, of which the first three are the
mean colour. "hub" has only serving_default and literal names, and rounds the sides
up to a multiple of 4, as Magenta's does. Each of the others has one fault, which
its name describes.
"""

import json
import os
import shutil

import tensorflow as tf

import make_onnx

v1 = tf.compat.v1
HERE = os.path.dirname(os.path.abspath(__file__))
F32 = tf.float32
PICTURE = [1, None, None, 3]


def mean(picture):
    return tf.reduce_mean(picture, axis=[1, 2])


def round_up(picture):
    """Pads below and at the right to a multiple of 4, with a colour that the picture does not have."""
    h, w = tf.shape(picture)[1], tf.shape(picture)[2]
    return tf.pad(picture, [[0, 0], [0, -h % 4], [0, -w % 4], [0, 0]], constant_values=0.987)


class Full(tf.Module):
    def __init__(self):
        super().__init__()
        self.share = tf.Variable(0.5)

    @tf.function(input_signature=[tf.TensorSpec(PICTURE, F32, "style")])
    def predict_style(self, style):
        return {"vector": tf.pad(mean(style), [[0, 0], [0, 97]])}

    @tf.function(input_signature=[tf.TensorSpec(PICTURE, F32, "content"), tf.TensorSpec([1, 100], F32, "vector")])
    def transform(self, content, vector):
        colour = tf.reshape(vector[0, :3], [1, 1, 1, 3])
        return {"output_0": self.share * round_up(content) + (1 - self.share) * colour}

    @tf.function(input_signature=[tf.TensorSpec(PICTURE, F32, "placeholder"), tf.TensorSpec(PICTURE, F32, "placeholder_1")])
    def stylize(self, placeholder, placeholder_1):
        return self.transform(placeholder, self.predict_style(placeholder_1)["vector"])


def folder(name):
    path = os.path.join(HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def full():
    path = folder("full")
    m = Full()
    tf.saved_model.save(
        m,
        path,
        signatures={"serving_default": m.stylize, "predict_style": m.predict_style, "transform": m.transform},
        options=tf.saved_model.SaveOptions(save_debug_info=False),
    )
    os.remove(os.path.join(path, "fingerprint.pb"))  # optional, and different at each run
    os.rmdir(os.path.join(path, "assets"))
    vectors = {"red": [1, 0, 0], "blue": [0, 0, 1], "grey": [0.5, 0.5, 0.5]}
    with open(os.path.join(path, "styles.json"), "w") as f:
        json.dump({"model": "known-1", "vectors": {n: v + [0] * 97 for n, v in vectors.items()}}, f)


def plain(name, signatures, tag="serve"):
    """Saves one graph; signatures(make) returns {name: (inputs, outputs)}."""
    path = folder(name)
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        defs = {
            key: v1.saved_model.predict_signature_def(inputs, outputs) for key, (inputs, outputs) in signatures().items()
        }
        builder = v1.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(session, [tag], signature_def_map=defs, strip_default_attrs=True)
        builder.save()
    shutil.rmtree(os.path.join(path, "variables"))


def stylize(output=None, content="placeholder", style="placeholder_1", out="output_0", dtype=F32, shape=PICTURE, channels=3):
    """serving_default with one change."""

    def signatures():
        shaped = list(shape[:-1]) + [channels]
        c = v1.placeholder(dtype, shaped, name="placeholder")
        s = v1.placeholder(dtype, shaped, name="placeholder_1")
        if output:
            o = output(c, s)
        else:
            axes = list(range(1, len(shaped) - 1))
            o = c // 2 + s[:1, :1, :1] if dtype != F32 else 0.5 * c + 0.5 * tf.reduce_mean(s, axis=axes, keepdims=True)
        return {"serving_default": ({content: c, style: s}, {out: tf.identity(o, name="output_0")})}

    return signatures


def half(c, s):
    return 0.5 * round_up(c) + 0.5 * tf.reshape(mean(s), [1, 1, 1, 3])


def only(key, inputs, outputs):
    """serving_default and one additional signature of the given shapes."""

    def signatures():
        sigs = stylize()()
        ins = {n: v1.placeholder(F32, shape, name=key + "_" + n) for n, shape in inputs.items()}
        mixed = sum(tf.reduce_sum(i) for i in ins.values())
        outs = {n: mixed + tf.zeros([d or 4 for d in shape]) for n, shape in outputs.items()}
        return sigs | {key: (ins, outs)}

    return signatures


def widths():
    """predict_style makes 100 numbers, transform takes 64."""
    sigs = stylize()()
    s = v1.placeholder(F32, PICTURE, name="style")
    c = v1.placeholder(F32, PICTURE, name="content")
    v = v1.placeholder(F32, [1, 64], name="vector")
    return sigs | {
        "predict_style": ({"style": s}, {"vector": tf.pad(mean(s), [[0, 0], [0, 97]])}),
        "transform": ({"content": c, "vector": v}, {"output_0": c + tf.reduce_mean(v)}),
    }


def nan_vector():
    sigs = stylize()()
    s = v1.placeholder(F32, PICTURE, name="style")
    c = v1.placeholder(F32, PICTURE, name="content")
    v = v1.placeholder(F32, [1, 3], name="vector")
    return sigs | {
        "predict_style": ({"style": s}, {"vector": tf.math.log(-1 - mean(s))}),
        "transform": ({"content": c, "vector": v}, {"output_0": c + tf.reduce_mean(v)}),
    }


def odd_numbers(c, s):
    """Red is NaN, green +infinity, blue -infinity."""
    r, g, b = tf.split(c + 0 * tf.reduce_mean(s), 3, axis=3)
    return tf.concat([tf.math.log(-1 - r), (1 + g) / (0 * g), (-1 - b) / (0 * b)], axis=3)


def fails(c, s):
    """Fails at run time, because no content has seven values."""
    return c + 0 * tf.reduce_sum(tf.reshape(c, [7])) + 0 * tf.reduce_mean(s)


def main():
    full()
    plain("hub", stylize(half))
    plain("bad-names", stylize(content="content", style="style", out="stylized"))
    plain("bad-dtype", stylize(dtype=tf.uint8))
    plain("bad-rank", stylize(shape=[1, None, 3]))
    plain("bad-channels", stylize(channels=4))
    plain("bad-tag", stylize(), tag="train")
    plain("fixed-size", stylize(shape=[1, 384, 384, 3]))
    plain("bad-size", stylize(lambda c, s: tf.tile(half(c, s), [1, 2, 2, 1])))
    plain("bad-widths", widths)
    plain("no-serving-default", lambda: {"other": stylize()()["serving_default"]})
    plain("no-transform", only("predict_style", {"style": PICTURE}, {"vector": [1, 100]}))
    plain("odd-numbers", stylize(odd_numbers))
    plain("no-numbers", stylize(lambda c, s: tf.math.log(-1 - c) + 0 * tf.reduce_mean(s)))
    plain("odd-vector", nan_vector)
    plain("fails", stylize(fails))
    make_onnx.main()


if __name__ == "__main__":
    main()

"""The shipped SavedModel, accessed by its signatures, as workers run it and as it is measured."""

import tensorflow as tf


class Model:
    """A model in the folder that has saved_model.pb. Pictures are float32 [1,H,W,3] of any size,
    and vectors [1,100].
    """

    def __init__(self, folder):
        self._loaded = tf.saved_model.load(str(folder), tags=["serve"])
        signatures = self._loaded.signatures
        self._read, self._repaint = signatures["predict_style"], signatures["transform"]

    def vectors(self, style):
        return self._read(style=tf.constant(style))["vector"]

    def paint(self, content, vectors):
        return self._repaint(content=tf.constant(content), vector=tf.constant(vectors))["output_0"]

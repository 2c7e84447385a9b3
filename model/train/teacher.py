"""The teacher: Magenta's arbitrary stylisation, as two SavedModels. It is neither trained nor
shipped.
"""

import pathlib

import numpy as np
import tensorflow as tf


class Teacher:
    """The teacher in a folder that has style_predictor/ and transformer/."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self._keep = [tf.saved_model.load(str(folder / part), tags=["serve"])
                      for part in ("style_predictor", "transformer")]
        predictor, transformer = (part.signatures["serving_default"] for part in self._keep)
        self._predictor = predictor.prune(predictor.inputs[0].name, predictor.outputs[0].name)
        # Also what it saw on the way: [N,32,32,32], [N,16,16,96] and 1280 pooled numbers.
        names = ["Conv2D_11", "Conv2D_25", "Mean"]
        inner = [_after_bias(predictor.graph, name) for name in names]
        self._with_hints = predictor.prune(predictor.inputs[0].name, [predictor.outputs[0].name, *inner])
        self._early = predictor.prune(predictor.inputs[0].name, [
            predictor.graph.get_operation_by_name(name).outputs[0] for name in ("Relu6", "add", "BiasAdd_11")])
        self._transformer = transformer
        self.manner = _manner(transformer.graph)

    def vectors(self, styles):
        """Compute vectors [N,100] from pictures, float32 [N,256,256,3]."""
        return tf.reshape(self._predictor(tf.convert_to_tensor(styles)), [-1, 100])

    def vectors_and_hints(self, styles):
        vector, *hints = self._with_hints(tf.convert_to_tensor(styles))
        return tf.reshape(vector, [-1, 100]), hints

    def features(self, pictures):
        """Return the outputs of the first layers of the style predictor for pictures [N,h,w,3],
        which are scaled to 256 x 256.

        They are the first convolution (half the side, 32 channels), the end of the second stage (a
        quarter, 24) and the first block of the third (an eighth, 32).
        """
        return self._early(tf.convert_to_tensor(pictures))

    def paint(self, content, vectors):
        """Paint pictures, float32 [N,H,W,3] with sides that are multiples of 4, with vectors
        [N,100]. Return [N,H,W,3].
        """
        return self._transformer(content=tf.convert_to_tensor(content),
                                 style_vector=tf.convert_to_tensor(vectors))["output_0"]

    def vectors_of(self, pictures, batch=16):
        """Compute the vectors of any number of uint8 pictures, as a numpy array."""
        parts = [self.vectors(np.asarray(pictures[i : i + batch], np.float32) / 255).numpy()
                 for i in range(0, len(pictures), batch)]
        return np.concatenate(parts)


def _after_bias(graph, name):
    """Return the tensor of an operation, or that of the addition of a bias if one follows it
    directly.
    """
    output = graph.get_operation_by_name(name).outputs[0]
    for consumer in output.consumers():
        if consumer.type in ("BiasAdd", "AddV2"):
            return consumer.outputs[0].name
    return output.name


def _manner(graph):
    """Return how the transformer uses a vector: a matrix [100, 2C] for each of its
    normalisations.
    """
    kernels = [tf.get_static_value(operation.inputs[1]) for operation in graph.get_operations()
               if operation.type == "Conv2D"]
    return [kernel.reshape(100, -1) for kernel in kernels if kernel is not None and kernel.shape[:3] == (1, 1, 100)]

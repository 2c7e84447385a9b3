"""The two networks: the transformer repaints a picture, and the predictor computes the vector of
a style from its picture.

Both are plain functions of a dictionary of weights, so that training and export share all of their
code. The layout is NHWC. Pictures are RGB in 0..1.
"""

import numpy as np
import tensorflow as tf

VECTOR = 100  # numbers in a style vector: the teacher's
# Mirrored border that swallows what zero padding does at the edges: two cells at a quarter of the
# side, as far as a block of two 3x3 convolutions reaches. It is mirrored anew before each.
PADDING = 8
EPSILON = 1e-3

DOWN, BODY, HALF, LAST = 16, 64, 16, 24  # channels at 1/2, 1/4, again at 1/2, before RGB
BLOCKS = 6


def _kernel(rng, height, width, inputs, outputs, gain=2.0):
    deviation = np.sqrt(gain / (height * width * inputs))
    return rng.normal(0, deviation, (height, width, inputs, outputs)).astype(np.float32)


def _subpixel_kernel(rng, height, width, inputs, outputs, gain=2.0):
    """Return a kernel for depth-to-space. Its four sub-pixels are equal at first, so that
    training does not begin with a checkerboard.
    """
    return np.tile(_kernel(rng, height, width, inputs, outputs, gain), 4)


def _depthwise(rng, channels):
    return rng.normal(0, np.sqrt(2 / 9), (3, 3, channels, 1)).astype(np.float32)


def styled(weights):
    """Return the numbers of channels of all layers that the style scales and shifts, in the
    order of their use.
    """
    down, body = (weights[name].shape[-1] for name in ("down1", "down2"))
    return [down] + [body] * (1 + 2 * BLOCKS) + [weights["up1.point"].shape[-1] // 4, weights["up2"].shape[-1]]


def _as_variables(weights):
    return {name: tf.Variable(value, name=name.replace(".", "_")) for name, value in weights.items()}


# --- transformer ---------------------------------------------------------------


def new_transformer(seed, vector_mean, vector_deviation):
    """Return new random weights. The two arrays describe the teacher's vectors, and are not
    trained.
    """
    rng = np.random.default_rng(seed)
    weights = {
        "down1": _kernel(rng, 5, 5, 3, DOWN),
        "down2": _kernel(rng, 3, 3, DOWN, BODY),
        "up1.depth": _depthwise(rng, BODY),
        "up1.point": _subpixel_kernel(rng, 1, 1, BODY, HALF),
        "up2": _kernel(rng, 3, 3, HALF, LAST),
        "rgb": _subpixel_kernel(rng, 3, 3, LAST, 3, 0.5),
        "rgb.bias": np.zeros(12, np.float32),
    }
    for block in range(BLOCKS):
        for half in "ab":
            weights[f"block{block}{half}.depth"] = _depthwise(rng, BODY)
            weights[f"block{block}{half}.point"] = _kernel(rng, 1, 1, BODY, BODY)
    channels = sum(styled(weights))
    weights["style"] = rng.normal(0, 0.02, (VECTOR, 2 * channels)).astype(np.float32)
    weights["style.bias"] = np.repeat(np.array([1, 0], np.float32), channels)
    variables = _as_variables(weights)
    variables["vector.mean"] = tf.Variable(vector_mean, trainable=False)
    variables["vector.deviation"] = tf.Variable(vector_deviation, trainable=False)
    return variables


def _conv(x, kernel, stride=1):
    return tf.nn.conv2d(x, kernel, stride, "SAME")


def _depth(x, weights, name):
    return tf.nn.depthwise_conv2d(x, weights[name + ".depth"], [1, 1, 1, 1], "SAME")


def normalise(x, scale, offset, activation=tf.identity):
    """Normalise as in conditional instance normalisation, with one fused operation: in a batch
    of one picture, the statistics of the batch are those of the picture.
    """
    return activation(tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=tf.zeros([0]), variance=tf.zeros([0]),
        epsilon=EPSILON, is_training=True,
    ).y)


def _modulate(x, kernel, scale, offset):
    """Compute a convolution whose outputs the style scales and shifts, and a ReLU.

    The scale is multiplied into the kernel, which is small. Over the picture it is then one fused
    operation, without statistics, which would need two more passes over a tensor that is too large
    for the cache.
    """
    return tf.nn.relu(tf.nn.bias_add(_conv(x, kernel * scale), offset))


def _depth_to_space(x):
    """Compute tf.nn.depth_to_space(x, 2) for one picture by moving runs of values. The operation
    itself moves single values, which is slowest with few channels.
    """
    shape, run = tf.shape(x), x.shape[-1] // 2  # the two sub-pixels that become neighbours in a row lie together
    rows = tf.transpose(tf.reshape(x, tf.stack([shape[1], shape[2], 2, run])), [0, 2, 1, 3])
    y = tf.reshape(rows, tf.stack([1, 2 * shape[1], 2 * shape[2], run // 2]))
    y.set_shape([1, None, None, run // 2])
    return y


def mirror_again(x):
    """Return x with its outermost cells, which stand for PADDING pixels of the picture, mirrored
    again from the cells inside.
    """
    border = PADDING // 4
    shape = tf.shape(x)

    def mirrored(axis):
        last = shape[axis] - 1 - border
        cells = tf.range(shape[axis])
        cells = tf.where(cells < border, 2 * border - cells, tf.where(cells > last, 2 * last - cells, cells))
        return tf.clip_by_value(cells, border, last)

    # Both axes at once: each copy of the tensor is a pass over memory.
    places = mirrored(1)[:, None] * shape[2] + mirrored(2)
    return tf.gather(tf.reshape(x, [-1, x.shape[-1]]), places)[None]


def paint(weights, content, vector, normalise=normalise, taps=None):
    """Run the transformer on one picture, whose sides must be multiples of 4. Its edges are
    padded with zeros.

    If taps, a dictionary, is given, it receives the activations at half the side, "down1" and
    "up1".
    """
    if "vector.mean" in weights:
        vector = (vector - weights["vector.mean"]) / weights["vector.deviation"]
    manner = (tf.matmul(vector, weights["style"]) + weights["style.bias"])[0]
    sizes = styled(weights)
    pieces = tf.split(manner, sizes + sizes)
    manners = iter(zip(pieces[: len(sizes)], pieces[len(sizes) :]))

    x = down = normalise(_conv(content - 0.5, weights["down1"], 2), *next(manners), tf.nn.relu)
    x = normalise(_conv(x, weights["down2"], 2), *next(manners), tf.nn.relu)
    for block in range(BLOCKS):
        x = mirror_again(x)
        first, second = f"block{block}a", f"block{block}b"
        y = _modulate(_depth(x, weights, first), weights[first + ".point"], *next(manners))
        x = x + normalise(_conv(_depth(y, weights, second), weights[second + ".point"]), *next(manners))
    x = mirror_again(x)
    scale, offset = (tf.tile(piece, [4]) for piece in next(manners))
    x = _depth_to_space(_modulate(_depth(x, weights, "up1"), weights["up1.point"], scale, offset))
    if taps is not None:
        taps |= {"down1": down, "up1": x}
    x = normalise(_conv(x, weights["up2"]), *next(manners), tf.nn.relu)
    return _depth_to_space(tf.nn.sigmoid(tf.nn.bias_add(_conv(x, weights["rgb"]), weights["rgb.bias"])))


def transform(weights, content, vector):
    """Run paint on a batch, each picture with a mirrored border. It is for training, where sides
    are large and multiples of 4.
    """
    border = [[0, 0], [PADDING, PADDING], [PADDING, PADDING], [0, 0]]
    bordered = tf.pad(content, border, "REFLECT")
    painted = tf.concat([paint(weights, bordered[i : i + 1], vector[i : i + 1]) for i in range(content.shape[0])], 0)
    return painted[:, PADDING:-PADDING, PADDING:-PADDING]


def fold_transformer(weights):
    """Return numpy weights in which the scale of the vectors' numbers is multiplied into the
    matrix of the style.
    """
    folded = {name: value for name, value in weights.items() if not name.startswith("vector.")}
    folded["style"] = weights["style"] / weights["vector.deviation"][:, None]
    folded["style.bias"] = weights["style.bias"] - weights["vector.mean"] @ folded["style"]
    return folded


# --- predictor -----------------------------------------------------------------

# Depthwise-separable blocks: output channels and stride.
STAGES = [(32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (192, 2), (192, 1), (192, 1), (256, 2), (256, 1)]
STEM, HIDDEN = 24, 256


def new_predictor(seed, vector_mean, vector_deviation):
    rng = np.random.default_rng(seed)
    weights = {"stem": _kernel(rng, 3, 3, 3, STEM)}
    channels = STEM
    frozen = {}

    def norm(name, count):
        weights[name + ".scale"] = np.ones(count, np.float32)
        weights[name + ".offset"] = np.zeros(count, np.float32)
        frozen[name + ".mean"] = np.zeros(count, np.float32)
        frozen[name + ".variance"] = np.ones(count, np.float32)

    norm("stem", STEM)
    for index, (outputs, _) in enumerate(STAGES):
        name = f"stage{index}"
        weights[name + ".depth"] = _depthwise(rng, channels)
        weights[name + ".point"] = _kernel(rng, 1, 1, channels, outputs)
        norm(name + ".d", channels)
        norm(name + ".p", outputs)
        channels = outputs
    weights["hidden"] = rng.normal(0, np.sqrt(1 / channels), (2 * channels, HIDDEN)).astype(np.float32)
    weights["hidden.bias"] = np.zeros(HIDDEN, np.float32)
    weights["out"] = rng.normal(0, np.sqrt(0.2 / HIDDEN), (HIDDEN, VECTOR)).astype(np.float32)
    weights["out.bias"] = np.zeros(VECTOR, np.float32)
    variables = _as_variables(weights)
    frozen |= {"vector.mean": vector_mean, "vector.deviation": vector_deviation}
    for name, value in frozen.items():
        variables[name] = tf.Variable(value, trainable=False)
    return variables


def predict(weights, style, moments=None, taps=None):
    """Compute vectors [N, 100] from style pictures [N, h, w, 3].

    If moments is a list, the layers are normalised by the statistics of the batch, as in training,
    and (name, mean, variance) of each layer is appended to it. Otherwise they are normalised by the
    running averages. If taps, a dictionary, is given, it receives inner activations, for the losses
    that compare them.
    """

    def norm(x, name):
        if name + ".bias" in weights:  # folded for export
            return tf.nn.bias_add(x, weights[name + ".bias"])
        scale, offset = weights[name + ".scale"], weights[name + ".offset"]
        if moments is None:
            factor = scale * tf.math.rsqrt(weights[name + ".variance"] + EPSILON)
            return x * factor + (offset - weights[name + ".mean"] * factor)
        result = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=scale, offset=offset, mean=tf.zeros([0]), variance=tf.zeros([0]),
            epsilon=EPSILON, is_training=True,
        )
        moments.append((name, result.batch_mean, result.batch_variance))
        return result.y

    x = tf.nn.relu6(norm(tf.nn.conv2d(style - 0.5, weights["stem"], 2, "SAME"), "stem"))
    for index, (outputs, stride) in enumerate(STAGES):
        name = f"stage{index}"
        y = tf.nn.depthwise_conv2d(x, weights[name + ".depth"], [1, stride, stride, 1], "SAME")
        y = tf.nn.relu6(norm(y, name + ".d"))
        y = norm(tf.nn.conv2d(y, weights[name + ".point"], 1, "SAME"), name + ".p")
        if stride == 1 and x.shape[-1] == outputs:
            y = x + y
        x = tf.nn.relu6(y)
        if taps is not None:
            taps[name] = x
    pooled = tf.concat([tf.reduce_mean(x, [1, 2]), tf.reduce_max(x, [1, 2])], 1)
    hidden = tf.nn.relu(tf.matmul(pooled, weights["hidden"]) + weights["hidden.bias"])
    if taps is not None:
        taps["hidden"] = hidden
    vector = tf.matmul(hidden, weights["out"]) + weights["out.bias"]
    if "vector.mean" not in weights:
        return vector
    return vector * weights["vector.deviation"] + weights["vector.mean"]


def fold_predictor(weights):
    """Return numpy weights in which the normalisations and the scale of the vectors' numbers are
    part of the kernels and biases.
    """
    folded = {"hidden": weights["hidden"], "hidden.bias": weights["hidden.bias"]}

    def fold(kernel, name, depthwise=False):
        factor = weights[name + ".scale"] / np.sqrt(weights[name + ".variance"] + EPSILON)
        folded[kernel] = weights[kernel] * (factor[:, None] if depthwise else factor)
        folded[name + ".bias"] = weights[name + ".offset"] - weights[name + ".mean"] * factor

    fold("stem", "stem")
    for index in range(len(STAGES)):
        fold(f"stage{index}.depth", f"stage{index}.d", depthwise=True)
        fold(f"stage{index}.point", f"stage{index}.p")
    deviation = weights["vector.deviation"]
    folded["out"] = weights["out"] * deviation
    folded["out.bias"] = weights["out.bias"] * deviation + weights["vector.mean"]
    return folded


def size(weights):
    """Return the number of trained parameters."""
    return sum(int(np.prod(v.shape)) for v in weights.values() if v.trainable)

"""Makes the checkpoints for a run that goes on from a shipped model instead of from random
weights.

    python start.py FOLDER OUT MODEL

FOLDER is the training folder. OUT gets transformer.npz at step 0, and predictor.npz as if it were
finished: its normalisations are folded, so that only train_chain.py can train it further. If the
shipped transformer has more channels at half the side than nets.py says, some are removed: those
without which the next convolution gives nearly the same result, after its kernel was fitted again
by least squares.
"""

import argparse
import pathlib
import shutil

import numpy as np
import tensorflow as tf

import data
import export
import nets
from teacher import Teacher
from train_transformer import Vectors

FINISHED = 10**9  # steps: more than any run has
SIDE, SAMPLES, PLACES = 256, 96, 400  # pictures of so many pixels, so many of them, places in each


def pruned(kernel, inputs, stride, keep):
    """Return the channels to keep, ascending, and the kernel [3,3,keep,outputs] that fits them.

    inputs are activations [1,h,w,C]. The mean over the picture is subtracted from the patches,
    because an instance normalisation follows. The channels are removed one by one, each time the
    one whose removal changes the result least.
    """
    rng = np.random.default_rng(0)
    patches = []
    for x in inputs:
        all_of = tf.image.extract_patches(x, [1, 3, 3, 1], [1, stride, stride, 1], [1, 1, 1, 1], "VALID")
        rows = tf.reshape(all_of, [-1, 9, x.shape[-1]]).numpy()
        patches.append((rows - rows.mean(0))[rng.integers(0, len(rows), PLACES)])
    patches = np.concatenate(patches).astype(np.float64)
    channels, outputs = kernel.shape[2:]
    wanted = patches.reshape(len(patches), -1) @ kernel.reshape(-1, outputs)

    def fitted(kept):
        x = patches[:, :, kept].reshape(len(patches), -1)
        square = x.T @ x
        square += 1e-6 * np.trace(square) / len(square) * np.eye(len(square))
        product = x.T @ wanted
        solution = np.linalg.solve(square, product)
        return (solution * product).sum(), solution

    kept = list(range(channels))
    while len(kept) > keep:
        kept.remove(max(kept, key=lambda channel: fitted([c for c in kept if c != channel])[0]))
    explained, solution = fitted(kept)
    print(f"{channels} channels to {keep}: {explained / (wanted**2).sum():.4f} of the next layer's variance is kept")
    return kept, solution.reshape(3, 3, keep, outputs).astype(np.float32)


def fit(weights, content, vectors):
    """Return the folded weights of a transformer with nets.DOWN and nets.HALF channels at half
    the side.
    """
    seen = []
    for picture, vector in zip(content, vectors):
        nets.paint(weights, tf.constant(picture[None]), tf.constant(vector[None]), taps=(taps := {}))
        seen.append(taps)
    sizes = nets.styled(weights)
    layers = [np.arange(size) for size in sizes]
    weights = dict(weights)
    if sizes[0] > nets.DOWN:
        layers[0], weights["down2"] = pruned(weights["down2"], [taps["down1"] for taps in seen], 2, nets.DOWN)
        weights["down1"] = weights["down1"][..., layers[0]]
    if sizes[-2] > nets.HALF:
        layers[-2], weights["up2"] = pruned(weights["up2"], [taps["up1"] for taps in seen], 1, nets.HALF)
        point = weights["up1.point"]
        point = point.reshape(*point.shape[:-1], 4, -1)[..., layers[-2]]
        weights["up1.point"] = point.reshape(*point.shape[:-2], -1)
    begins = np.cumsum([0, *sizes])
    scales = np.concatenate([begin + layer for begin, layer in zip(begins, layers)])
    columns = np.concatenate([scales, begins[-1] + scales])
    return weights | {name: weights[name][..., columns] for name in ("style", "style.bias")}


def unfolded_transformer(weights, mean, deviation):
    """Undo nets.fold_transformer."""
    return weights | {"style": weights["style"] * deviation[:, None],
                      "style.bias": weights["style.bias"] + mean @ weights["style"],
                      "vector.mean": mean, "vector.deviation": deviation}


def unfolded_predictor(weights, mean, deviation):
    """Undo nets.fold_predictor. The normalisations of the result change nothing."""
    fresh = {name: variable.numpy() for name, variable in nets.new_predictor(0, mean, deviation).items()}
    for name in fresh:
        layer, _, part = name.rpartition(".")
        if part == "offset":
            fresh[name] = weights[layer + ".bias"]
        elif part == "variance":
            fresh[name] = np.full_like(fresh[name], 1 - nets.EPSILON)
        elif name in weights:
            fresh[name] = weights[name]
    return fresh | {"out": weights["out"] / deviation, "out.bias": (weights["out.bias"] - mean) / deviation}


def store(path, step, weights):
    np.savez(path, step=step, seconds=0.0,
             **{f"{group}/{name}": value for group in ("weight", "average") for name, value in weights.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path, help="folder of saved_model.pb")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photos = data.load(options.folder / "content", validation=False)
    vectors = Vectors(Teacher(options.folder / "teacher"), options, photos)
    transformer, predictor = export.shipped(options.model)
    rng = np.random.default_rng(options.seed)
    numbers = rng.integers(len(photos), size=SAMPLES)
    content = data.as_float([data.zoomed(rng, photos[number], SIDE) for number in numbers])
    transformer = fit(transformer, content, np.stack([vectors.sample(rng, number) for number in numbers]))
    units = vectors.mean, vectors.deviation
    curves = options.model.parent / "metrics.csv"
    if curves.exists():
        shutil.copyfile(curves, options.out / "earlier.csv")
    store(options.out / "predictor.npz", FINISHED, unfolded_predictor(predictor, *units))
    store(options.out / "transformer.npz", 0, unfolded_transformer(transformer, *units))


if __name__ == "__main__":
    main()

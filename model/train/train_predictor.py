"""Trains the predictor to compute the same vector from a style picture as the teacher's
predictor.

The loss has three parts. The first is the squared error of the vector, each number divided by its
own standard deviation. The second is the same for what the teacher's transformer computes from the
vector, the scales and offsets of its normalisations, so that each number counts by its effect on
the picture. The third compares inner layers: linear maps of our activations are trained to equal
the teacher's. These maps are not needed afterwards; they only make a short training more effective.
"""

import numpy as np
import tensorflow as tf

import data
import nets
import training
from teacher import Teacher

BATCH = 16
# Drawing a style and asking the teacher about it costs as much as learning from it: of
# each batch so many are fresh, the others come from the shelf of the last so many.
FRESH, SHELF = 4, 1024
# Our layer, channels of the teacher's layer of the same size: see teacher.Teacher.
HINTS = [("stage4", 128, 32), ("stage7", 192, 96), ("hidden", nets.HIDDEN, 1280)]
HINT_WEIGHT = 0.15


def main():
    options = training.arguments(__doc__, steps=18000, rate=2e-3)
    teacher = Teacher(options.folder / "teacher")
    photos = data.load(options.folder / "content", validation=False)
    paintings = data.load(options.folder / "style", validation=False)
    paintings += data.drawn(options.out)

    def sample(rng):
        return data.style_sample(rng, paintings, photos)

    stored = options.out / "statistics.npz"
    if not stored.exists():
        rng = np.random.default_rng(options.seed)
        vectors, hints = teacher.vectors_and_hints(data.as_float([sample(rng) for _ in range(192)]))
        statistics = {"mean": vectors.numpy().mean(0), "deviation": vectors.numpy().std(0) + 1e-3}
        for (name, _, _), hint in zip(HINTS, hints):
            flat = hint.numpy().reshape(-1, hint.shape[-1])
            statistics |= {name + ".mean": flat.mean(0), name + ".deviation": flat.std(0) + 1e-3}
        manner = [vectors.numpy() @ matrix for matrix in teacher.manner]
        statistics["manner"] = np.array([np.sqrt(part.var(0).mean()) for part in manner])
        np.savez(stored, **statistics)
    with np.load(stored) as file:
        statistics = dict(file)
    effect = np.concatenate([matrix / unit for matrix, unit in zip(teacher.manner, statistics["manner"])], 1)
    effect = tf.constant(effect, tf.float32)

    weights = nets.new_predictor(options.seed, statistics["mean"], statistics["deviation"])
    print(f"{nets.size(weights)} parameters, {len(paintings)} styles, {len(photos)} photographs", flush=True)
    rng = np.random.default_rng(options.seed)
    for name, ours, theirs in HINTS:
        weights["hint." + name] = tf.Variable(rng.normal(0, ours**-0.5, (ours, theirs)).astype(np.float32))
        weights["hint." + name + ".bias"] = tf.Variable(np.zeros(theirs, np.float32))
    optimiser = training.Adam(weights)

    @tf.function
    def update(styles, target, hints, rate, step):
        with tf.GradientTape() as tape:
            moments, taps = [], {}
            vector = nets.predict(weights, styles, moments, taps)
            error = tf.reduce_mean(tf.square((vector - target) / weights["vector.deviation"]))
            loss = error + tf.reduce_mean(tf.square(tf.matmul(vector - target, effect)))
            for (name, _, theirs), hint in zip(HINTS, hints):
                hint = tf.reshape((hint - statistics[name + ".mean"]) / statistics[name + ".deviation"], [-1, theirs])
                guess = tf.reshape(taps[name], [-1, taps[name].shape[-1]])
                guess = tf.matmul(guess, weights["hint." + name]) + weights["hint." + name + ".bias"]
                loss += HINT_WEIGHT * tf.reduce_mean(tf.square(guess - hint))
        optimiser.apply(tape.gradient(loss, list(optimiser.trained.values())), rate, step)
        for name, mean, variance in moments:
            for kind, value in ((".mean", mean), (".variance", variance)):
                running = weights[name + kind]
                running.assign(running + 0.01 * (value - running))
        return error

    shelf = []

    def fill(rng, count):
        styles = np.stack([sample(rng) for _ in range(count)])
        target, hints = teacher.vectors_and_hints(data.as_float(styles))
        shelf.extend(zip(styles, target.numpy(), *(hint.numpy() for hint in hints)))
        del shelf[:-SHELF]

    def step(number, rate):
        rng = np.random.default_rng([options.seed, number])
        if not shelf:  # at the start, and after a resumption
            for _ in range(16):
                fill(rng, BATCH)
        fill(rng, FRESH)
        chosen = shelf[-FRESH:] + [shelf[i] for i in rng.integers(0, len(shelf) - FRESH, BATCH - FRESH)]
        styles, target, *hints = (np.stack(part) for part in zip(*chosen))
        return update(tf.constant(data.as_float(styles)), tf.constant(target), [tf.constant(hint) for hint in hints],
                      tf.constant(rate, tf.float32), tf.constant(number, tf.float32))

    rng = np.random.default_rng(0)
    unseen = data.load(options.folder / "style", True)
    unseen = data.as_float([cut for style in unseen for cut in
                            (data.squeeze(style), *(data.crop(rng, style, data.STYLE_SIDE) for _ in range(5)))])
    foreign = data.as_float([data.squeeze(p) for p in data.load(options.folder / "content", True)])
    predict = tf.function(lambda styles: nets.predict(optimiser.average, styles))

    def validate():
        row = {}
        for kind, pictures in (("", unseen), ("photo_", foreign)):
            theirs, ours = teacher.vectors(pictures).numpy(), predict(pictures).numpy()
            a, b = theirs - statistics["mean"], ours - statistics["mean"]
            cosine = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
            row[kind + "cosine"] = cosine.mean()
            row[kind + "error"] = np.square((theirs - ours) / statistics["deviation"]).mean()
        return row

    training.run("predictor", options, optimiser, step, validate)


if __name__ == "__main__":
    main()

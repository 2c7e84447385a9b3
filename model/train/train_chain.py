"""Trains the predictor further, by the pictures that our transformer paints from its vectors.
The transformer does not change.

The vectors are kept near those of the teacher, so that strength and blends keep their meaning. The
painted picture is compared with that of the teacher by local statistics, and by those of early
features. If it was compared pixel by pixel, the predictor would learn vectors with which pictures
are blurred (gradient energy fell from 0.87 to 0.77 in 500 steps).

Training the transformer as well was tried: its pictures became softer and its styles weaker
(gradient energy 0.943 instead of 0.960, style margin 0.90 of the teacher's instead of 0.94).
"""

import numpy as np
import tensorflow as tf

import data
import nets
import training
from losses import manner_loss, spectrum_loss
from teacher import Teacher
from train_transformer import Vectors, distance, energy, texture_loss

SIDE, BATCH = 160, 4
# With MANNER_WEIGHT no larger than the transformer's the predictor names vectors of weaker
# styles: a margin of 0.79 of the teacher's after 2,000 steps.
VECTOR_WEIGHT, MANNER_WEIGHT, SPECTRUM_WEIGHT = 0.25, 1.0, 0.3
PAINTED = 1200  # style pictures that the teacher paints


def painted_styles(teacher, options, photos):
    """Return photographs that the teacher has repainted, uint8, to be used as style pictures:
    they have more styles than any collection. They are stored in options.out.
    """
    stored = options.out / "painted.npy"
    if not stored.exists():
        rng = np.random.default_rng([options.seed, 8])
        vectors, pictures = Vectors(teacher, options, photos), []
        for _ in range(PAINTED):
            own = rng.integers(len(photos))
            content = data.as_float(data.zoomed(rng, photos[own], data.STYLE_SIDE)[None])
            painted = teacher.paint(content, np.asarray(vectors.sample(rng, own), np.float32)[None])[0].numpy()
            pictures.append(np.uint8(255 * painted.clip(0, 1) + 0.5))
        beside = stored.with_suffix(".tmp.npy")
        np.save(beside, np.stack(pictures))
        beside.replace(stored)
    return np.load(stored, mmap_mode="r")


def main():
    options = training.arguments(__doc__, steps=3600, rate=5e-4)
    teacher = Teacher(options.folder / "teacher")
    photos = data.load(options.folder / "content", validation=False)
    paintings = data.load(options.folder / "style", validation=False) + data.drawn(options.out)
    painted = painted_styles(teacher, options, photos)
    transformer = {name: tf.constant(value) for name, value in training.averaged(options.out / "transformer.npz").items()}
    start = training.averaged(options.out / "predictor.npz")
    weights = nets.new_predictor(options.seed, start["vector.mean"], start["vector.deviation"])
    for name, variable in weights.items():
        variable.assign(start[name])
    optimiser = training.Adam(weights, decay=0.998)

    @tf.function
    def update(content, styles, mix, rate, step):
        theirs = teacher.vectors(styles)
        target = teacher.paint(content, mix * theirs + (1 - mix) * theirs[::-1])
        with tf.GradientTape() as tape:
            ours = nets.predict(weights, styles)
            picture = nets.transform(transformer, content, mix * ours + (1 - mix) * ours[::-1])
            error = tf.reduce_mean(tf.square((ours - theirs) / weights["vector.deviation"]))
            loss = (VECTOR_WEIGHT * error + texture_loss(picture, target)
                    + MANNER_WEIGHT * manner_loss(teacher, picture, target)
                    + SPECTRUM_WEIGHT * spectrum_loss(picture, target, content))
        optimiser.apply(tape.gradient(loss, list(optimiser.trained.values())), rate, step)
        return loss

    def step(number, rate):
        rng = np.random.default_rng([options.seed, 7, number])
        content, styles, mix = [], [], []
        for _ in range(BATCH):
            own = photos[rng.integers(len(photos))]
            cut = data.zoomed(rng, own, SIDE)
            content.append(cut[:, ::-1] if rng.random() < 0.5 else cut)
            kind = rng.random()
            if kind < 0.3:
                style = data.crop(rng, paintings[rng.integers(len(paintings))], data.STYLE_SIDE)
            elif kind < 0.4:
                style = data.squeeze(own)
            elif kind < 0.7:
                style = data.turn(rng, painted[rng.integers(len(painted))])
                style = data.recolour(rng, style) if rng.random() < 0.5 else style
            else:
                style = data.style_sample(rng, paintings, photos)
            styles.append(style)
            mix.append([1.0 if rng.random() < 0.7 else rng.random()])
        return update(tf.constant(data.as_float(content)), tf.constant(data.as_float(styles)),
                      tf.constant(mix, tf.float32), tf.constant(rate, tf.float32), tf.constant(number, tf.float32))

    rng = np.random.default_rng(0)
    unseen = data.as_float([data.crop(rng, p, 256, 1.0) for p in data.load(options.folder / "content", True)[:24]])
    styles = data.as_float([data.squeeze(s) for s in data.load(options.folder / "style", True)])
    styles = styles[np.arange(len(unseen)) % len(styles)]
    vectors = teacher.vectors(styles).numpy()
    targets = [teacher.paint(unseen[i : i + 1], vectors[i : i + 1]).numpy() for i in range(len(unseen))]
    read = tf.function(lambda style: nets.predict(optimiser.average, style))
    paint = tf.function(lambda content, vector: nets.transform(transformer, content, vector))

    def validate():
        rows = []
        for i, target in enumerate(targets):
            content, style = tf.constant(unseen[i : i + 1]), tf.constant(styles[i : i + 1])
            picture, itself = paint(content, read(style)), paint(content, read(content))
            rows.append((distance(itself, content), distance(picture, target), energy(picture) / energy(target)))
        columns = ("own_vector_l1", "chain_l1", "chain_gradient_energy")
        return dict(zip(columns, np.mean(np.asarray(rows, np.float32), 0)))

    training.run("chain", options, optimiser, step, validate)


if __name__ == "__main__":
    main()

"""Tunes both networks through the picture: our predictor into our transformer.

Starts from both checkpoints. The predictor is corrected by the picture that our
transformer paints from its vector, and held near the teacher's vectors, so that
strength and blends keep their meaning. Its picture is compared with the teacher's by
local statistics only: compared pixel by pixel, the predictor learns to name vectors
whose pictures are blurred (gradient energy fell from 0.87 to 0.77 in 500 steps).
The transformer goes on learning from the teacher's vectors; trained on the
predictor's, it hedged in the same way.

Both also learn the statistics of early features, and the transformer to leave no lattice
(losses.py).
"""

import numpy as np
import tensorflow as tf

import data
import nets
import training
from losses import LATTICE_WEIGHT, MANNER_WEIGHT, lattice_loss, manner_loss
from teacher import Teacher
from train_transformer import distance, energy, painting_loss, texture_loss

SIDE, BATCH = 160, 4
VECTOR_WEIGHT = 0.25


def main():
    options = training.arguments(__doc__, steps=2500, rate=5e-4)
    teacher = Teacher(options.folder / "teacher")
    photos = data.load(options.folder / "content", validation=False)
    paintings = data.load(options.folder / "style", validation=False) + data.drawn(options.out)
    parts = {part: training.averaged(options.out / f"{part}.npz") for part in ("transformer", "predictor")}
    empty = np.zeros(nets.VECTOR, np.float32)
    weights = {}
    for part, fresh in (("transformer", nets.new_transformer), ("predictor", nets.new_predictor)):
        for name, variable in fresh(options.seed, empty, empty).items():
            variable.assign(parts[part][name])
            weights[f"{part}/{name}"] = variable

    def of(part, source):
        return {name.removeprefix(part + "/"): v for name, v in source.items() if name.startswith(part + "/")}

    transformer, predictor = of("transformer", weights), of("predictor", weights)
    optimiser = training.Adam(weights, decay=0.998)

    @tf.function
    def update(content, styles, mix, rate, step):
        theirs = teacher.vectors(styles)
        target_vector = mix * theirs + (1 - mix) * theirs[::-1]
        target = teacher.paint(content, target_vector)
        fixed = {name: tf.identity(value) for name, value in transformer.items()}
        with tf.GradientTape() as tape:
            ours = nets.predict(predictor, styles)
            blended = mix * ours + (1 - mix) * ours[::-1]
            # Half of the pictures teach the predictor, the other half the transformer.
            half = BATCH // 2
            read = nets.transform(fixed, content[:half], blended[:half])
            given = nets.transform(transformer, content[half:], target_vector[half:])
            error = tf.reduce_mean(tf.square((ours - theirs) / predictor["vector.deviation"]))
            loss = (painting_loss(given, target[half:]) + VECTOR_WEIGHT * error
                    + texture_loss(read, target[:half])
                    + MANNER_WEIGHT * manner_loss(teacher, tf.concat([read, given], 0), target)
                    + LATTICE_WEIGHT * lattice_loss(given, target[half:]))
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
            if kind < 0.5:
                style = data.crop(rng, paintings[rng.integers(len(paintings))], data.STYLE_SIDE)
            elif kind < 0.65:
                style = data.squeeze(own)
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
    read = tf.function(lambda style: nets.predict(of("predictor", optimiser.average), style))
    paint = tf.function(lambda content, vector: nets.transform(
        of("transformer", optimiser.average), content, vector))

    def validate():
        rows = []
        for i, target in enumerate(targets):
            content, style = tf.constant(unseen[i : i + 1]), tf.constant(styles[i : i + 1])
            chain, given = paint(content, read(style)), paint(content, tf.constant(vectors[i : i + 1]))
            rows.append((distance(given, target), energy(given) / energy(target),
                         distance(paint(content, read(content)), content),
                         distance(chain, target), energy(chain) / energy(target)))
        columns = ("l1", "gradient_energy", "own_vector_l1", "chain_l1", "chain_gradient_energy")
        return dict(zip(columns, np.mean(np.asarray(rows, np.float32), 0)))

    training.run("chain", options, optimiser, step, validate)


if __name__ == "__main__":
    main()

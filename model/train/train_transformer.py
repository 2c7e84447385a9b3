"""Trains the transformer to paint what the teacher's transformer paints from the same vectors."""

import numpy as np
import tensorflow as tf

import data
import nets
import textures
import training
from losses import EDGE_WEIGHT, MANNER_WEIGHT, SPECTRUM_WEIGHT, edge_loss, manner_loss, spectrum_loss
from teacher import Teacher

SIDE, BATCH = 192, 4


def differences(x):
    return x[:, :, 1:] - x[:, :, :-1], x[:, 1:] - x[:, :-1]


def distance(a, b):
    return tf.reduce_mean(tf.abs(a - b))


def pool(x, window):
    return tf.nn.avg_pool2d(x, window, max(1, window // 2), "VALID")


def moments(x, window):
    mean = pool(x, window)
    return mean, tf.sqrt(tf.nn.relu(pool(tf.square(x), window) - tf.square(mean)) + 1e-4)


def texture_loss(painted, target):
    """Return the distance of local colour, contrast and energy of edges: what a style looks
    like, wherever its strokes are.

    With L1 alone, a blurred picture would be best where the place of a stroke can't be predicted.
    This loss demands strokes of the right strength without demanding their exact place.
    """
    loss = 0.0
    for ours, theirs in zip(differences(painted), differences(target)):
        loss += distance(pool(tf.abs(ours), 8), pool(tf.abs(theirs), 8))
    for window in (4, 16):
        for ours, theirs in zip(moments(painted, window), moments(target, window)):
            loss += distance(ours, theirs)
    return loss


def painting_loss(painted, target):
    """Return texture_loss together with the distance of the colours and edges of every pixel.

    Texture counts twice: to the eye, strokes that are too soft look worse than strokes that are not
    exactly where the teacher has them.
    """
    edges = sum(distance(ours, theirs) for ours, theirs in zip(differences(painted), differences(target)))
    return 2 * texture_loss(painted, target) + distance(painted, target) + edges


def energy(x):
    """Return the mean absolute gradient. A blurred picture has less."""
    return float(sum(tf.reduce_mean(tf.abs(d)) for d in differences(x)))


class Vectors:
    """The teacher's vectors of many parts of many style pictures, computed once."""

    def __init__(self, teacher, options, photos):
        stored = options.out / "vectors.npz"
        if not stored.exists():
            rng = np.random.default_rng(options.seed)
            paintings = data.load(options.folder / "style", validation=False)
            cuts = [cut for painting in paintings for cut in
                    [data.squeeze(painting)]
                    + [data.crop(rng, painting, data.STYLE_SIDE, 0.3) for _ in range(11)]
                    + [data.recolour(rng, data.crop(rng, painting, data.STYLE_SIDE)) for _ in range(6)]]
            named = [cut for picture in data.drawn(options.out) for cut in
                     [data.squeeze(picture)]
                     + [data.crop(rng, picture, data.STYLE_SIDE, 0.4) for _ in range(4)]
                     + [data.recolour(rng, data.crop(rng, picture, data.STYLE_SIDE)) for _ in range(2)]]
            drawn = [textures.draw(rng, data.STYLE_SIDE) for _ in range(300)]
            np.savez(stored, paintings=teacher.vectors_of(cuts), textures=teacher.vectors_of(drawn),
                     named=teacher.vectors_of(named),
                     photos=teacher.vectors_of([data.squeeze(photo) for photo in photos]))
        with np.load(stored) as parts:
            self.paintings, self.named, self.textures, self.photos = (
                parts[kind] for kind in ("paintings", "named", "textures", "photos"))
        everything = np.concatenate([self.paintings, self.named, self.textures, self.photos])
        self.mean, self.deviation = everything.mean(0), everything.std(0) + 1e-3

    def sample(self, rng, own):
        """Return a style for the photograph numbered own: that of a picture, of a photograph,
        its own, or one between two.
        """
        def any_of(*parts):
            part = parts[rng.integers(len(parts))]
            return part[rng.integers(len(part))]

        kind, weight = rng.random(), rng.random()
        if kind < 0.30:
            return any_of(self.paintings)
        if kind < 0.45:
            return any_of(self.named)
        if kind < 0.50:
            return any_of(self.textures)
        if kind < 0.55:
            return any_of(self.photos)
        if kind < 0.65:
            return self.photos[own]
        other = self.photos[own] if kind < 0.80 else any_of(self.paintings, self.named, self.textures)
        return weight * any_of(self.paintings, self.named) + (1 - weight) * other


def main():
    options = training.arguments(__doc__, steps=30000, rate=2e-3)
    teacher = Teacher(options.folder / "teacher")
    photos = data.load(options.folder / "content", validation=False)
    vectors = Vectors(teacher, options, photos)
    weights = nets.new_transformer(options.seed, vectors.mean, vectors.deviation)
    optimiser = training.Adam(weights)
    print(f"{nets.size(weights)} parameters, {len(photos)} photographs", flush=True)

    @tf.function
    def update(content, vector, rate, step):
        target = teacher.paint(content, vector)
        with tf.GradientTape() as tape:
            painted = nets.transform(weights, content, vector)
            loss = (painting_loss(painted, target) + MANNER_WEIGHT * manner_loss(teacher, painted, target)
                    + SPECTRUM_WEIGHT * spectrum_loss(painted, target, content)
                    + EDGE_WEIGHT * edge_loss(painted, target))
        optimiser.apply(tape.gradient(loss, list(optimiser.trained.values())), rate, step)
        return loss

    def step(number, rate):
        rng = np.random.default_rng([options.seed, number])
        content, vector = [], []
        for _ in range(BATCH):
            own = rng.integers(len(photos))
            cut = data.zoomed(rng, photos[own], SIDE)
            content.append(cut[:, ::-1] if rng.random() < 0.5 else cut)
            vector.append(vectors.sample(rng, own))
        return update(tf.constant(data.as_float(content)), tf.constant(np.asarray(vector, np.float32)),
                      tf.constant(rate, tf.float32), tf.constant(number, tf.float32))

    rng = np.random.default_rng(0)
    unseen = data.as_float([data.crop(rng, p, 256, 1.0) for p in data.load(options.folder / "content", True)[:24]])
    own = teacher.vectors(unseen).numpy()
    styles = teacher.vectors_of([data.squeeze(s) for s in data.load(options.folder / "style", True)])
    styles = styles[np.arange(len(unseen)) % len(styles)]
    targets = [teacher.paint(unseen[i : i + 1], styles[i : i + 1]).numpy() for i in range(len(unseen))]
    paint = tf.function(lambda content, vector: nets.transform(optimiser.average, content, vector))

    def validate():
        rows = []
        for i, target in enumerate(targets):
            content = tf.constant(unseen[i : i + 1])
            ours = paint(content, tf.constant(styles[i : i + 1]))
            itself = paint(content, tf.constant(own[i : i + 1]))
            rows.append((distance(ours, target), energy(ours) / energy(target), distance(itself, content),
                         spectrum_loss(ours, target, content)))
        columns = ("l1", "gradient_energy", "own_vector_l1", "spectrum")
        return dict(zip(columns, np.mean(np.asarray(rows, np.float32), 0)))

    training.run("transformer", options, optimiser, step, validate)


if __name__ == "__main__":
    main()

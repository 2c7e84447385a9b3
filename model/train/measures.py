"""What evaluate.py measures on pictures: float32 [H,W,3] in 0..1, each answer one number."""

import numpy as np

BLOCK = 32  # side of the blocks that are searched for a lattice
BAND = 16  # width of the border that is compared with the inside


def l1(a, b):
    return float(np.abs(a - b).mean())


def energy(x):
    """Mean absolute difference between neighbours: blur has less of it."""
    return float(np.abs(np.diff(x, axis=0)).mean() + np.abs(np.diff(x, axis=1)).mean())


def luminance(x):
    return x @ np.array([0.299, 0.587, 0.114], np.float32)


def contrast(x):
    return float(luminance(x).std())


def clipped(x):
    """The share of pixels that are white or black, in hundredths."""
    return 100 * float(((x.min(2) > 0.97) | (x.max(2) < 0.03)).mean())


def halo(ours, theirs):
    """Error in the border over the error inside: over 1 where the edge of the picture shows."""
    error = np.abs(ours - theirs).mean(2)
    inside = error[BAND:-BAND, BAND:-BAND]
    return float((error.sum() - inside.sum()) / (error.size - inside.size) / inside.mean())


def _blocks(x):
    rows, columns = (side // BLOCK for side in x.shape)
    x = x[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return x.swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def flat_areas(photo):
    """The numbers of a photograph's smoothest blocks, an eighth of all."""
    deviations = _blocks(luminance(photo)).std((1, 2))
    return np.argsort(deviations)[: max(1, len(deviations) // 8)]


def lattice(painted, areas):
    """Strength in 255ths of a pattern that repeats every 2 or 4 pixels, as upsampling leaves behind.

    The spectrum of the areas has it at multiples of a quarter; what the frequencies
    around hold as well is a stroke's or the photograph's, and doesn't count.
    """
    window = np.hanning(BLOCK + 1)[:-1]
    window = window[:, None] * window
    blocks = _blocks(luminance(painted))[areas]
    blocks = blocks - blocks.mean((1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(blocks * window)) ** 2).mean(0)
    excess, step = 0.0, BLOCK // 4
    for row in range(0, BLOCK, step):
        for column in range(0, BLOCK, step):
            if row or column:
                around = [power[(row + y) % BLOCK, (column + x) % BLOCK]
                          for y in (-2, 0, 2) for x in (-2, 0, 2) if y or x]
                excess += max(0.0, power[row, column] - np.median(around))
    return 255 * float(np.sqrt(excess)) / window.sum()


def colour_shift(paintings):
    """The largest distance in 255ths between the mean colours of one picture painted at several sizes."""
    means = np.array([painting.mean((0, 1)) for painting in paintings])
    return 255 * float(np.linalg.norm(means[:, None] - means[None], axis=2).max())


class Statistics:
    """Means and deviations of features, each measured in its deviation over some known pictures."""

    def __init__(self, features, known):
        self._features = features
        self._unit = np.std([self._raw(picture) for picture in known], axis=0) + 1e-6

    def _raw(self, picture):
        maps = [np.asarray(layer)[0] for layer in self._features(picture[None])]
        return np.concatenate([f(layer, axis=(0, 1)) for layer in maps for f in (np.mean, np.std)])

    def of(self, picture):
        return self._raw(picture) / self._unit


def margin(painted, photo, style):
    """How much of the way from the photograph's statistics to the style's a painting has gone: 1 is all."""
    return 1 - float(np.linalg.norm(painted - style) / np.linalg.norm(photo - style))

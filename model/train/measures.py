"""The measures of evaluate.py. They take pictures as float32 [H,W,3] in 0..1, and each returns
one number.
"""

import numpy as np

BLOCK = 32  # side of the blocks whose spectrum is looked at
FAINT = 1e-3  # power of a wave of 0.06 of 255: a floor for logarithms
BAND = 16  # width of the border that is compared with the inside


def l1(a, b):
    return float(np.abs(a - b).mean())


def energy(x):
    """Return the mean absolute difference of neighbouring pixels. A blurred picture has less."""
    return float(np.abs(np.diff(x, axis=0)).mean() + np.abs(np.diff(x, axis=1)).mean())


def luminance(x):
    return x @ np.array([0.299, 0.587, 0.114], np.float32)


def contrast(x):
    return float(luminance(x).std())


def clipped(x):
    """Return the percentage of pixels that are white or black."""
    return 100 * float(((x.min(2) > 0.97) | (x.max(2) < 0.03)).mean())


def halo(ours, theirs):
    """Return the error in the border divided by the error inside. It is over 1 if the edge of
    the picture is visible.
    """
    error = np.abs(ours - theirs).mean(2)
    inside = error[BAND:-BAND, BAND:-BAND]
    return float((error.sum() - inside.sum()) / (error.size - inside.size) / inside.mean())


def _blocks(x):
    rows, columns = (side // BLOCK for side in x.shape)
    x = x[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return x.swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def flat_areas(photo):
    """Return the numbers of the smoothest blocks of a photograph, an eighth of all blocks."""
    deviations = _blocks(luminance(photo)).std((1, 2))
    return np.argsort(deviations)[: max(1, len(deviations) // 8)]


def spectrum(painted, areas):
    """Return the power of the luminance by frequency, as the mean over areas: [BLOCK,BLOCK] in
    the order of np.fft.fft2. A wave of amplitude 1 has a power of 128**2.
    """
    window = np.hanning(BLOCK + 1)[:-1]
    blocks = _blocks(luminance(painted))[areas]
    blocks = blocks - blocks.mean((1, 2), keepdims=True)
    return (np.abs(np.fft.fft2(blocks * window * window[:, None])) ** 2).mean(0)


def lattice(power):
    """Return how strong a pattern is that repeats every 2 or 4 pixels, as upsampling leaves it,
    in levels of 0..255.

    In the spectrum it is at the multiples of a quarter. Power that the frequencies around them have
    as well comes from strokes or from the photograph, and is subtracted.
    """
    excess, step = 0.0, BLOCK // 4
    for row in range(0, BLOCK, step):
        for column in range(0, BLOCK, step):
            if row or column:
                around = [power[(row + y) % BLOCK, (column + x) % BLOCK]
                          for y in (-2, 0, 2) for x in (-2, 0, 2) if y or x]
                excess += max(0.0, power[row, column] - np.median(around))
    return 255 * float(np.sqrt(excess)) / (BLOCK / 2) ** 2


def _rings():
    """Return masks of the frequencies that have about the same wavelength, from 16 pixels down
    to 2. The frequencies of a lattice are left out.
    """
    y, x = np.meshgrid(*[np.fft.fftfreq(BLOCK, 1 / BLOCK)] * 2, indexing="ij")
    near = np.maximum(*[np.minimum(axis % (BLOCK // 4), -axis % (BLOCK // 4)) for axis in (x, y)]) <= 1
    length = np.round(np.hypot(x, y))
    return [(length == r) & ~near for r in range(2, BLOCK // 2 + 1)]


RINGS = _rings()


def regularity(power):
    """Return by how many dB waves of about the same length differ in power, in all directions.

    It is larger for a texture of a few waves that repeat, such as a printing screen, than for an
    irregular one.
    """
    level = 10 * np.log10(power + FAINT)
    return float(np.mean([level[ring].std() for ring in RINGS]))


def texture(power, other):
    """Return the mean distance of two spectra in dB, without the frequencies of a lattice."""
    band = np.any(RINGS, axis=0)
    return float(np.abs(10 * np.log10((power + FAINT) / (other + FAINT)))[band].mean())


def colour_shift(paintings):
    """Return the largest distance between the mean colours of one picture that was painted at
    several sizes, in levels of 0..255.
    """
    means = np.array([painting.mean((0, 1)) for painting in paintings])
    return 255 * float(np.linalg.norm(means[:, None] - means[None], axis=2).max())


class Statistics:
    """The means and standard deviations of features, each divided by its standard deviation over
    some known pictures.
    """

    def __init__(self, features, known):
        self._features = features
        self._unit = np.std([self._raw(picture) for picture in known], axis=0) + 1e-6

    def _raw(self, picture):
        maps = [np.asarray(layer)[0] for layer in self._features(picture[None])]
        return np.concatenate([f(layer, axis=(0, 1)) for layer in maps for f in (np.mean, np.std)])

    def of(self, picture):
        return self._raw(picture) / self._unit


def margin(painted, photo, style):
    """Return how far a painting's statistics are on the way from those of the photograph to
    those of the style: 0 to 1.
    """
    return 1 - float(np.linalg.norm(painted - style) / np.linalg.norm(photo - style))

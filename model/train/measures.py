"""What evaluate.py measures on pictures: float32 [H,W,3] in 0..1, each answer one number."""

import numpy as np

BLOCK = 32  # side of the blocks whose spectrum is looked at
FAINT = 1e-3  # power of a wave of 0.06 of 255: a floor for logarithms
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


def spectrum(painted, areas):
    """Power of luminance by frequency, [BLOCK,BLOCK] as np.fft.fft2 has it, mean over areas; a wave of amplitude 1 has 128**2."""
    window = np.hanning(BLOCK + 1)[:-1]
    blocks = _blocks(luminance(painted))[areas]
    blocks = blocks - blocks.mean((1, 2), keepdims=True)
    return (np.abs(np.fft.fft2(blocks * window * window[:, None])) ** 2).mean(0)


def lattice(power):
    """Strength in 255ths of a pattern that repeats every 2 or 4 pixels, as upsampling leaves behind.

    The spectrum has it at multiples of a quarter; what the frequencies around hold as well
    is a stroke's or the photograph's, and doesn't count.
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
    """Masks of frequencies of about the same wavelength, from 16 pixels down to 2; a lattice's are left out."""
    y, x = np.meshgrid(*[np.fft.fftfreq(BLOCK, 1 / BLOCK)] * 2, indexing="ij")
    near = np.maximum(*[np.minimum(axis % (BLOCK // 4), -axis % (BLOCK // 4)) for axis in (x, y)]) <= 1
    length = np.round(np.hypot(x, y))
    return [(length == r) & ~near for r in range(2, BLOCK // 2 + 1)]


RINGS = _rings()


def regularity(power):
    """How far waves of about equal length differ in power, in dB, whichever way they run.

    A texture of a few waves that repeat, a screen, has more of it than an irregular one.
    """
    level = 10 * np.log10(power + FAINT)
    return float(np.mean([level[ring].std() for ring in RINGS]))


def texture(power, other):
    """Mean distance of two spectra in dB, a lattice's frequencies left out."""
    band = np.any(RINGS, axis=0)
    return float(np.abs(10 * np.log10((power + FAINT) / (other + FAINT)))[band].mean())


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

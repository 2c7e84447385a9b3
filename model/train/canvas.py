"""The tools with which the pictures of the named styles are drawn: a canvas of S x S, noise,
brushes, cells.
"""

import numpy as np
from PIL import Image, ImageDraw

SIDE = 512
S = 2 * SIDE  # the canvas


def rgb(*codes):
    """Return the colours of hexadecimal codes as floats in 0..1, [N,3]."""
    return np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes]) / 255


def noise(rng, cells, octaves=4, fall=0.5):
    """Return fractal noise in 0..1 for the whole canvas."""
    total, weight = np.zeros((S, S), np.float32), 1.0
    for _ in range(octaves):
        grid = Image.fromarray(rng.random((cells + 2, cells + 2)).astype(np.float32))
        total += weight * np.asarray(grid.resize((S, S), Image.Resampling.BICUBIC))
        cells, weight = cells * 2, weight * fall
    return (total - total.min()) / np.ptp(total)


def ramp(field, colours):
    """Return a field in 0..1 as colours, which change smoothly from the first colour to the
    last.
    """
    at = np.clip(field, 0, 1) * (len(colours) - 1)
    low = np.minimum(at.astype(int), len(colours) - 2)
    part = (at - low)[..., None]
    return colours[low] * (1 - part) + colours[low + 1] * part


def grid():
    """Return the y and the x of every pixel, in 0..1."""
    y, x = np.mgrid[0:S, 0:S].astype(np.float32) / S
    return y, x


def image_of(array):
    return Image.fromarray((np.clip(array, 0, 1) * 255).astype(np.uint8))


def array_of(image):
    return np.asarray(image.convert("RGB"), np.float32) / 255


def ink(colour):
    return tuple(int(c) for c in np.clip(colour, 0, 1) * 255)


def blur(field, radius):
    """Blur with a Gaussian. Beyond the edges the picture is continued as its mirror image."""
    reach = int(3 * radius)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    for axis in (0, 1):
        padded = np.pad(field, [(reach, reach) if axis == a else (0, 0) for a in (0, 1)], "reflect")
        field = sum(tap * np.take(padded, range(i, i + S), axis) for i, tap in enumerate(taps / taps.sum()))
    return field


def light(array, height, strength):
    """Shade a picture as if height were a relief that is lit from the upper left."""
    slope = np.gradient(height, axis=0) + np.gradient(height, axis=1)
    return array * (1 + np.clip(slope * strength, -0.35, 0.35))[..., None]


def follow(angles, x, y, length, steps=6):
    """Return the points of a line that starts at x, y and follows a field of angles."""
    points = [(x, y)]
    for _ in range(steps):
        row, column = min(S - 1, max(0, int(y))), min(S - 1, max(0, int(x)))
        x += np.cos(angles[row, column]) * length / steps
        y += np.sin(angles[row, column]) * length / steps
        points.append((x, y))
    return points


def brush(rng, ground, angles, count, length, widths, jitter=0.05, bristles=True):
    """Cover ground with brush strokes in its own colours, along a field of angles. Return the
    picture and the relief of the strokes.
    """
    picture, relief = image_of(ground), Image.new("F", (S, S), 0.0)
    pen, depth = ImageDraw.Draw(picture), ImageDraw.Draw(relief)
    for number in range(count):
        x, y = rng.uniform(-20, S + 20, 2)
        row, column = min(S - 1, max(0, int(y))), min(S - 1, max(0, int(x)))
        width = rng.uniform(*widths) * (1.6 - number / count)
        points = follow(angles, x, y, length * rng.uniform(0.5, 1.4))
        colour = ground[row, column] + rng.normal(0, jitter) + rng.normal(0, jitter / 2, 3)
        pen.line(points, ink(colour), int(width), "curve")
        depth.line(points, float(rng.uniform(0.3, 1)), int(width), "curve")
        if bristles:
            for _ in range(int(width / 3)):
                shift = rng.uniform(-width / 2.4, width / 2.4)
                angle = angles[row, column] + np.pi / 2
                moved = [(p + np.cos(angle) * shift, q + np.sin(angle) * shift) for p, q in points]
                pen.line(moved, ink(colour + rng.normal(0, jitter * 1.3)), rng.integers(1, 3))
                depth.line(moved, float(rng.uniform(0, 1)), 1)
    return array_of(picture), np.asarray(relief)


def voronoi(points):
    """For each pixel, return the nearest point, its distance, and how much further the second
    nearest point is.
    """
    step = 2
    y, x = np.mgrid[0:S:step, 0:S:step].astype(np.float32)
    first = np.full(x.shape, np.inf, np.float32)
    second, nearest = first.copy(), np.zeros(x.shape, int)
    for number, (px, py) in enumerate(points):
        distance = np.hypot(x - px, y - py)
        closer = distance < first
        second = np.where(closer, first, np.minimum(second, distance))
        nearest[closer] = number
        first = np.minimum(first, distance)
    double = lambda field: np.repeat(np.repeat(field, step, 0), step, 1)
    return double(nearest), double(first), double(second - first)


def leaf(x, y, angle, length, width, bend=0.0):
    """Return a pointed leaf with its stem at x, y: the upper edge, the spine and the lower edge,
    [24,2] each.
    """
    at = np.linspace(0, 1, 24)
    spine = length * np.stack([at * np.cos(bend * at), at * np.sin(bend * at)], 1)
    half = length * width * np.stack([0 * at, np.sin(np.pi * at**0.8)], 1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [part @ turn + (x, y) for part in (spine + half, spine, spine - half)]


def flat(*lines):
    """Return the points of lines, [N,2] each, in the form in which Pillow draws lines."""
    return np.concatenate(lines).ravel().tolist()

"""Draws random textures, which are style pictures for the training of the predictor.

Each is drawn with random colours and a few random fields (noise, waves, cells, strokes), so that
the predictor is trained with far more colours and strokes than the collected paintings have.
"""

import numpy as np
from PIL import Image, ImageDraw


def palette(rng, count):
    """Return colours from dark to light, near one or two hues or from anywhere in the RGB cube."""
    colours = rng.random((count, 3))
    if rng.random() < 0.6:
        base = rng.random((2, 3))
        colours = base[rng.integers(0, 2, count)] + rng.normal(0, 0.15, (count, 3))
        colours = colours * np.linspace(rng.uniform(0.2, 0.9), rng.uniform(0.9, 1.5), count)[:, None]
    colours = np.clip(colours, 0, 1)
    return colours[np.argsort(colours.sum(1))] if rng.random() < 0.7 else colours


def noise(rng, side, octaves=None, first=None):
    """Return fractal noise in 0..1."""
    total, weight = np.zeros((side, side), np.float32), 1.0
    cells = first or int(2 ** rng.uniform(1, 5))
    for _ in range(octaves or rng.integers(1, 5)):
        grid = Image.fromarray(rng.random((cells + 2, cells + 2)).astype(np.float32))
        total += weight * np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC))
        weight *= rng.uniform(0.3, 0.7)
        cells = min(cells * 2, side)
    total -= total.min()
    return total / max(total.max(), 1e-6)


def waves(rng, side):
    """Return stripes along a bent direction."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    angle, bend = rng.uniform(0, np.pi), rng.uniform(0, 1.5)
    phase = np.cos(angle) * x + np.sin(angle) * y + bend * noise(rng, side, 2)
    return 0.5 + 0.5 * np.sin(2 * np.pi * phase * 2 ** rng.uniform(1, 5.5))


def cells(rng, side):
    """Return the distance of each pixel to the nearest of random points, which looks like cells,
    dots or leaded glass.
    """
    count = int(2 ** rng.uniform(3, 6.5))
    points = rng.random((count, 2)).astype(np.float32) * side
    half = side // 2  # half resolution is enough and four times cheaper
    y, x = np.mgrid[0:half, 0:half].astype(np.float32) * 2
    distance = np.stack([(y - p) ** 2 + (x - q) ** 2 for p, q in points])
    nearest = distance.argmin(0)
    first = np.sqrt(distance.min(0))
    np.put_along_axis(distance, nearest[None], np.inf, 0)
    gap = np.sqrt(distance.min(0)) - first
    kind = rng.random()
    if kind < 0.35:
        field = nearest * 0.618 % 1
    elif kind < 0.7:
        field = gap / gap.max()
    else:
        field = first / first.max()
    field = Image.fromarray(field.astype(np.float32))
    return np.asarray(field.resize((side, side), Image.Resampling.BILINEAR))


def paint(rng, field, colours):
    """Return a field in 0..1 as colours, which change smoothly or in steps."""
    position = np.clip(field, 0, 1) * (len(colours) - 1)
    if rng.random() < 0.4:
        return colours[np.rint(position).astype(int)]
    low = np.minimum(position.astype(int), len(colours) - 2)
    part = (position - low)[..., None]
    return colours[low] * (1 - part) + colours[low + 1] * part


def strokes(rng, ground, colours):
    """Draw short strokes on a ground, all in one direction or along a field of angles."""
    side = ground.shape[0]
    image = Image.fromarray((ground * 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    angles = noise(rng, side, 2, 3) * rng.uniform(0.2, 6.3) + rng.uniform(0, 6.3)
    length, width = side * 2 ** rng.uniform(-6, -2.5), max(1, int(2 ** rng.uniform(0, 3.5)))
    for _ in range(int(min(900, 2 * side * side / (length * width)))):
        x, y = rng.integers(0, side, 2)
        dx, dy = np.cos(angles[y, x]) * length, np.sin(angles[y, x]) * length
        colour = colours[rng.integers(len(colours))] + rng.normal(0, 0.06)
        pen.line((x - dx, y - dy, x + dx, y + dy), tuple(int(c) for c in np.clip(colour, 0, 1) * 255), width)
    return np.asarray(image) / 255


def grain(rng, side):
    """Return fine grain around 0: that of chalk, canvas or print, speckles along a line, or a
    weave.
    """
    if rng.random() < 0.35:
        y, x = np.mgrid[0:side, 0:side] * 2 * np.pi / rng.uniform(2.5, 9)
        turn = rng.uniform(0, np.pi)
        weave = np.sin(np.cos(turn) * x + np.sin(turn) * y) * np.sin(np.cos(turn) * y - np.sin(turn) * x)
        return (weave * (0.4 + 0.6 * noise(rng, side)))[..., None]
    speckles = rng.normal(0, 1, (side, side, 1 if rng.random() < 0.6 else 3))
    step, total = rng.normal(0, 1, 2), 0
    for place in range(count := rng.integers(1, 9)):
        shift = np.rint(place * step / np.linalg.norm(step)).astype(int)
        total = total + np.roll(speckles, shift, (0, 1))
    return total / np.sqrt(count)


def draw(rng, side):
    """Return one random texture, uint8 RGB."""
    fields = (noise, waves, cells)
    colours = palette(rng, rng.integers(2, 7))
    picture = paint(rng, fields[rng.integers(3)](rng, side), colours)
    if rng.random() < 0.5:
        other = paint(rng, fields[rng.integers(3)](rng, side), palette(rng, rng.integers(2, 5)))
        mask = noise(rng, side)[..., None]
        mask = mask if rng.random() < 0.5 else (mask > 0.5)
        picture = picture * mask + other * (1 - mask)
    if rng.random() < 0.45:
        picture = strokes(rng, picture, palette(rng, rng.integers(2, 7)))
    if rng.random() < 0.2:  # about flat, light or dark
        picture = rng.random(3) ** rng.uniform(0.5, 2) + rng.uniform(0.05, 0.4) * (picture - picture.mean((0, 1)))
    if rng.random() < 0.45:
        picture = picture + rng.uniform(0.01, 0.15) * grain(rng, side)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)

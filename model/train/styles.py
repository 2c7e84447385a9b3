"""Draws the pictures of the named styles. Everything on them is drawn here, from seeds.

    python styles.py FOLDER      writes FOLDER/<name>.jpg, 512 x 512

Each is drawn at twice its size and scaled down, which smooths every edge.
"""

import argparse
import pathlib
import zlib

import numpy as np
from PIL import Image, ImageDraw

SIDE = 512
S = 2 * SIDE  # the canvas


def rgb(*codes):
    """Colours from hexadecimal codes, float in 0..1, [N,3]."""
    return np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes]) / 255


def noise(rng, cells, octaves=4, fall=0.5):
    """Fractal noise in 0..1 over the canvas."""
    total, weight = np.zeros((S, S), np.float32), 1.0
    for _ in range(octaves):
        grid = Image.fromarray(rng.random((cells + 2, cells + 2)).astype(np.float32))
        total += weight * np.asarray(grid.resize((S, S), Image.Resampling.BICUBIC))
        cells, weight = cells * 2, weight * fall
    return (total - total.min()) / np.ptp(total)


def ramp(field, colours):
    """A field in 0..1 as a smooth run through colours."""
    at = np.clip(field, 0, 1) * (len(colours) - 1)
    low = np.minimum(at.astype(int), len(colours) - 2)
    part = (at - low)[..., None]
    return colours[low] * (1 - part) + colours[low + 1] * part


def grid():
    """y and x in 0..1."""
    y, x = np.mgrid[0:S, 0:S].astype(np.float32) / S
    return y, x


def image_of(array):
    return Image.fromarray((np.clip(array, 0, 1) * 255).astype(np.uint8))


def array_of(image):
    return np.asarray(image.convert("RGB"), np.float32) / 255


def ink(colour):
    return tuple(int(c) for c in np.clip(colour, 0, 1) * 255)


def blur(field, radius):
    """Gaussian blur, mirrored at the edges."""
    reach = int(3 * radius)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    for axis in (0, 1):
        padded = np.pad(field, [(reach, reach) if axis == a else (0, 0) for a in (0, 1)], "reflect")
        field = sum(tap * np.take(padded, range(i, i + S), axis) for i, tap in enumerate(taps / taps.sum()))
    return field


def light(array, height, strength):
    """Shades array as if height were relief lit from the upper left."""
    slope = np.gradient(height, axis=0) + np.gradient(height, axis=1)
    return array * (1 + np.clip(slope * strength, -0.35, 0.35))[..., None]


def follow(angles, x, y, length, steps=6):
    """Points along a field of angles, from x, y."""
    points = [(x, y)]
    for _ in range(steps):
        row, column = min(S - 1, max(0, int(y))), min(S - 1, max(0, int(x)))
        x += np.cos(angles[row, column]) * length / steps
        y += np.sin(angles[row, column]) * length / steps
        points.append((x, y))
    return points


def brush(rng, ground, angles, count, length, widths, jitter=0.05, bristles=True):
    """Covers ground with strokes of its own colours along angles; returns picture and relief."""
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
    """For each pixel the nearest point, its distance, and how much further the second is."""
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


# --- the styles ------------------------------------------------------------------


def night_swirls(rng):
    y, x = grid()
    angles = np.zeros((S, S), np.float32) + 0.2
    sky = 0.25 + 0.5 * noise(rng, 4)
    glow = np.zeros((S, S), np.float32)
    for _ in range(9):
        cx, cy, size = rng.random(), rng.random(), rng.uniform(0.07, 0.2)
        reach = np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / size**2))
        angles += reach * (np.arctan2(y - cy, x - cx) + np.pi / 2 - 0.2 - angles)
        glow = np.maximum(glow, np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / (size * 0.38) ** 2)))
        sky += 0.15 * reach * np.sin(40 * np.hypot(x - cx, y - cy))
    angles += 1.2 * (noise(rng, 3, 2) - 0.5)
    ground = ramp(sky, rgb("0a1440", "12307a", "1f56a8", "4f94cc", "a9cfe0"))
    ground = ground * (1 - glow[..., None]) + ramp(glow, rgb("e8a81c", "f6d040", "fff3b0")) * glow[..., None]
    picture, relief = brush(rng, ground, angles, 5200, 90, (9, 15), 0.07)
    return light(picture, relief, 0.22)


def stained_glass(rng):
    points = rng.random((95, 2)) * S
    for _ in range(2):  # move towards the middles: evener panes
        nearest, _, _ = voronoi(points)
        yy, xx = np.mgrid[0:S, 0:S]
        count = np.maximum(np.bincount(nearest.ravel(), minlength=len(points)), 1)
        middle = np.stack([np.bincount(nearest.ravel(), c.ravel(), len(points)) / count for c in (xx, yy)], 1)
        points = points * 0.5 + middle * 0.5
    nearest, distance, gap = voronoi(points)
    colours = rgb("b3122a", "e23b1e", "f2a516", "f8dc4a", "1d8a4c", "0b5f8f", "1a35a8", "3fa7d6", "7a1f8a", "d94f8a")
    hue = (noise(rng, 3, 2) * 9.99).astype(int)
    choice = np.array([hue[min(S - 1, int(q)), min(S - 1, int(p))] for p, q in points])
    choice = np.where(rng.random(len(points)) < 0.45, rng.integers(0, len(colours), len(points)), choice)
    panes = colours[choice][nearest]
    panes = panes * (0.72 + 0.45 * noise(rng, 10, 4)[..., None]) + 0.12 * np.exp(-distance / 30)[..., None]
    lead = np.clip((gap - 9) / 5, 0, 1)[..., None]
    return panes * lead + rgb("14110f")[0] * (1 - lead)


def woodblock_wave(rng):
    y, x = grid()
    picture = np.ones((S, S, 3)) * rgb("efe3c4")[0]
    sun = np.hypot(x - 0.7, y - 0.2) < 0.1
    picture[sun] = rgb("d3502f")[0]
    tones = rgb("b9c9bf", "6f97a8", "2f5f8a", "1b3f70", "12284f", "0d1d3c")
    cream = rgb("f4ead2")[0]
    for layer, tone in enumerate(tones):
        base = 0.22 + layer * 0.135
        phase, bend = rng.uniform(0, 6), rng.uniform(0.4, 0.9)
        wave = np.sin(2 * np.pi * (x * (1.1 + 0.35 * layer) + bend * 0.12 * np.sin(9 * x + phase)) + phase)
        crest = base - 0.065 * np.abs(wave) ** 0.6 * np.sign(wave) + 0.02 * (noise(rng, 20, 2) - 0.5)
        depth = y - crest
        inside = depth > 0
        lines = np.sin(2 * np.pi * depth * 42) > 0.62
        picture[inside] = tone
        picture[inside & lines & (depth < 0.12)] = tone * 0.45 + cream * 0.55
        foam = (depth > 0) & (depth < 0.012 + 0.012 * noise(rng, 40, 1))
        picture[foam] = cream
        picture[(depth > -0.004) & (depth <= 0)] = rgb("0d1d3c")[0]
        claws = inside & (depth < 0.06) & (noise(rng, 50, 1) > 0.80)
        picture[claws] = cream
    grain = noise(rng, 4, 1) * 0 + np.asarray(Image.fromarray(rng.random((S // 4, 12)).astype(np.float32)).resize((S, S)))
    return picture * (0.93 + 0.1 * grain[..., None])


def ink_hatching(rng):
    paper = np.ones((S, S, 3)) * rgb("f3ede0")[0] * (0.96 + 0.05 * noise(rng, 60, 2)[..., None])
    tone = noise(rng, 4, 3)
    tone = np.clip((tone - 0.15) * 1.35, 0, 1)
    image = image_of(paper)
    pen = ImageDraw.Draw(image)
    bend = noise(rng, 3, 2)
    for angle, limit, gap in ((0.75, 0.85, 9), (-0.75, 0.6, 9), (0.1, 0.42, 8), (1.5, 0.25, 8)):
        angles = angle + 0.9 * (bend - 0.5)
        count = int(S * S / (gap * 46))
        for _ in range(count):
            x, y = rng.uniform(0, S, 2)
            dark = tone[int(y), int(x)]
            if dark > limit + rng.normal(0, 0.04):
                continue
            points = follow(angles, x - 20 * np.cos(angle), y - 20 * np.sin(angle), rng.uniform(40, 75), 4)
            pen.line(points, ink(rgb("17171c")[0] + rng.uniform(0, 0.15)), int(rng.integers(2, 5)))
    for level in (0.3, 0.5, 0.7):  # a few contours
        edge = np.abs(tone - level) < 0.006
        array = array_of(image)
        array[edge] = rgb("101014")[0]
        image = image_of(array)
    return array_of(image)


def pointillism(rng):
    y, x = grid()
    hills = y + 0.25 * noise(rng, 3, 3) + 0.06 * np.sin(7 * x)
    ground = ramp(np.clip(hills * 0.8, 0, 1),
                  rgb("f7d9a0", "f2b6a0", "9cc4e4", "5f8fd0", "3d9a8b", "7fbf4d", "e3c53f", "c9622f"))
    image = image_of(np.ones((S, S, 3)) * rgb("f5ecd8")[0])
    pen = ImageDraw.Draw(image)
    for number in range(26000):
        px, py = rng.uniform(0, S, 2)
        colour = ground[int(py), int(px)].copy()
        kind = rng.random()
        if kind < 0.16:
            colour = 1.05 - colour[[2, 1, 0]] * 0.8  # a complement among them
        elif kind < 0.32:
            colour = colour * 0.62 + np.array([0, 0.02, 0.16])
        colour = colour + rng.normal(0, 0.07, 3)
        radius = rng.uniform(4.5, 8.5)
        pen.ellipse((px - radius, py - radius, px + radius, py + radius), ink(colour))
    return array_of(image)


def watercolour(rng):
    paper = 0.97 + 0.05 * (noise(rng, 128, 2) - 0.5)
    picture = np.ones((S, S, 3)) * rgb("fbf7ee")[0]
    colours = rgb("6fb7d6", "f0a3a8", "f6cf7a", "9ac9a0", "b79ad6", "f2b58a", "5f8fc0", "e88aa0")
    y, x = grid()
    for number in range(34):
        cx, cy, size = rng.random(), rng.random(), rng.uniform(0.08, 0.26)
        warp = noise(rng, 5, 4) - 0.5
        field = np.hypot(x - cx, (y - cy) * rng.uniform(0.7, 1.5)) / size + 1.0 * warp
        body = np.clip((1 - field) * 14, 0, 1)
        edge = np.exp(-(((1 - field) - 0.05) / 0.04) ** 2)
        bloom = 0.45 + 0.5 * noise(rng, 7, 4)
        density = (body * bloom * 0.62 + edge * 0.4)[..., None]
        colour = colours[rng.integers(len(colours))] + rng.normal(0, 0.03, 3)
        picture = picture * (1 - density * (1 - colour))
    return picture * paper[..., None]


def mosaic(rng):
    y, x = grid()
    rings = np.hypot(x - 0.35, y - 0.4) + 0.08 * (noise(rng, 3, 2) - 0.5)
    field = ramp(0.5 + 0.5 * np.sin(rings * 19), rgb("123c69", "1c7c8c", "57b5a0", "f0d9a0", "e09f3e", "a63a24"))
    angles = np.arctan2(y - 0.4, x - 0.35)
    image = image_of(np.ones((S, S, 3)) * rgb("4a443c")[0])
    pen = ImageDraw.Draw(image)
    tile = 25
    centre = (0.35 * S, 0.4 * S)
    for ring in range(0, 62):
        radius = 6 + ring * tile
        count = max(4, int(2 * np.pi * radius / tile))
        for number in range(count):
            angle = 2 * np.pi * (number + 0.5 * (ring % 2)) / count
            px, py = centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)
            if not (-tile < px < S + tile and -tile < py < S + tile):
                continue
            colour = field[min(S - 1, max(0, int(py))), min(S - 1, max(0, int(px)))]
            colour = colour * rng.uniform(0.78, 1.15) + rng.normal(0, 0.035, 3)
            half = tile / 2 - rng.uniform(1.6, 3)
            turn = angle + rng.normal(0, 0.07)
            corners = [(px + half * (np.cos(turn) * a - np.sin(turn) * b) + rng.normal(0, 1),
                        py + half * (np.sin(turn) * a + np.cos(turn) * b) + rng.normal(0, 1))
                       for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            pen.polygon(corners, ink(colour))
    picture = array_of(image)
    return light(picture, blur(picture.mean(2), 1.5), 1.2) + 0 * angles[..., None]


def cubist(rng):
    y, x = grid()
    key = np.zeros((S, S), int)
    shade = np.zeros((S, S), np.float32)
    lines = np.zeros((S, S), bool)
    for number in range(17):
        angle = rng.choice([0.5, 1.1, 2.1, 2.7]) + rng.normal(0, 0.25)
        at = np.cos(angle) * (x - rng.random()) + np.sin(angle) * (y - rng.random())
        if number % 4 == 3:
            at = np.hypot(x - rng.random(), y - rng.random()) - rng.uniform(0.1, 0.3)
        key = key * 2 % 100003 + (at > 0)
        fade = np.exp(-np.abs(at) * 9) * np.sign(at)
        shade += fade * rng.uniform(0.06, 0.2)
        lines |= np.abs(at) < 0.0022
    colours = rgb("2e2620", "5b4632", "8a6a42", "b98d4f", "d8bb85", "e9dcc0", "8d8f8a", "5d6a70", "39434a", "a5603a")
    base = colours[(key * 7919 % 10007) % len(colours)]
    strokes = np.zeros((S, S), np.float32) + 0.8
    picture, relief = brush(rng, np.clip(base * (1 + shade)[..., None], 0, 1), strokes + (key % 5) * 0.5,
                            2600, 36, (7, 12), 0.03)
    picture = 0.55 * picture + 0.45 * np.clip(base * (1 + shade)[..., None], 0, 1)
    picture = light(picture, relief, 0.12)
    picture[lines] *= 0.25
    return picture


def pop_art(rng):
    y, x = grid()
    form = noise(rng, 3, 2)
    cut = np.digitize(form, [0.25, 0.42, 0.58, 0.75])
    colours = rgb("ffe14d", "e8262d", "23a8e0", "fff6e0", "f45d9a")
    picture = colours[cut]
    spots = rgb("e8262d", "ffe14d", "ffffff", "e8262d", "ffffff")[cut]
    period = 22
    px = (np.arange(S)[None] + np.arange(S)[:, None]) % period - period / 2
    py = (np.arange(S)[None] - np.arange(S)[:, None]) % period - period / 2
    radius = np.array([7.5, 5, 8, 7, 6])[cut]
    dots = np.hypot(px, py) < radius
    shown = dots & (cut != 1)
    picture = np.where(shown[..., None], spots, picture)
    edge = np.zeros((S, S), bool)
    for level in (0.25, 0.42, 0.58, 0.75):
        slope = np.hypot(*np.gradient(form)) + 1e-6
        edge |= np.abs(form - level) / slope < 6
    picture[edge] = rgb("0c0c10")[0]
    return picture


def autumn_impasto(rng):
    y, x = grid()
    form = np.clip(0.55 * y + 0.6 * noise(rng, 4, 3) - 0.08, 0, 1)
    ground = ramp(form, rgb("3b6e7d", "8fae9a", "f0d27a", "f2a33a", "e0671f", "b5301c", "6b1d1a", "3a1a1c"))
    spots = noise(rng, 14, 2)
    ground[spots > 0.72] = rgb("f7c948")[0]
    ground[spots < 0.25] = rgb("8c2318")[0]
    angles = 2.2 * noise(rng, 4, 2) + 0.4
    picture, relief = brush(rng, ground, angles, 3000, 62, (16, 28), 0.09)
    return light(picture, blur(relief, 1), 0.5)


def art_deco(rng):
    picture = np.ones((S, S, 3)) * rgb("0f1216")[0]
    image = image_of(picture)
    pen = ImageDraw.Draw(image)
    gold, pale, teal, black = (ink(c) for c in rgb("c9a24b", "efe0b4", "0f5a5e", "0f1216"))
    width = S // 4
    for row in range(9, -2, -1):
        for column in range(-1, 6):
            cx = column * width + (width // 2 if row % 2 else 0)
            cy = S - (9 - row) * width // 2 + 40 if False else row * width // 2
            for number, radius in enumerate(range(width // 2 + 2, 6, -13)):
                colour = (gold, black, pale, black, gold, teal, gold, black, teal, gold)[number % 10]
                pen.pieslice((cx - radius, cy - radius, cx + radius, cy + radius), 180, 360, colour)
            for ray in range(1, 8):
                angle = np.pi + ray * np.pi / 8
                pen.line((cx, cy, cx + np.cos(angle) * width / 2, cy + np.sin(angle) * width / 2), black, 3)
    sheen = 0.86 + 0.3 * noise(rng, 5, 3)
    return array_of(image) * sheen[..., None]


def neon_zigzag(rng):
    y, x = grid()
    saw = np.abs((x * 7) % 2 - 1)
    field = (y * 9 + saw * 1.5 + 0.35 * noise(rng, 3, 2)) % 6
    colours = rgb("160b3a", "ff2d95", "2b1a72", "19e3e6", "3d0f6b", "ffd23f")
    band = field.astype(int)
    inside = np.minimum(field - band, 1 - (field - band))
    picture = colours[band] * (0.75 + 0.5 * np.clip(inside * 3, 0, 1))[..., None]
    edge = np.clip(inside / 0.06, 0, 1)[..., None]
    picture = picture * edge + rgb("0a0520")[0] * (1 - edge)
    halo = np.stack([blur(picture[..., c], 14) for c in range(3)], 2)
    return np.clip(picture + 0.28 * halo, 0, 1) * (0.93 + 0.1 * noise(rng, 150, 1)[..., None])


def marbled_ink(rng):
    y, x = grid()
    warp = noise(rng, 3, 4) * 1.6 + 0.5 * noise(rng, 6, 3)
    comb = np.sin(2 * np.pi * (x * 2 + 0.8 * warp)) * 0.2
    field = (warp * 3 + y * 1.5 + comb) % 1
    colours = rgb("0f2a3d", "1f6f78", "e9dcc3", "c4452f", "f3ead8", "14385a", "d8a24a", "0f2a3d")
    picture = colours[(field * 7.99).astype(int)]
    vein = np.abs((field * 8) % 1 - 0.5) > 0.46
    picture[vein] = picture[vein] * 0.4 + rgb("f7efdf")[0] * 0.6
    return picture * (0.94 + 0.1 * noise(rng, 90, 2)[..., None])


def linocut(rng):
    form = noise(rng, 4, 3)
    y, x = grid()
    angles = 3.5 * noise(rng, 3, 2)
    image = image_of(np.ones((S, S, 3)) * rgb("f2e8d5")[0])
    pen = ImageDraw.Draw(image)
    base = np.where(form[..., None] < 0.52, rgb("18181a")[0], rgb("f2e8d5")[0])
    red = noise(rng, 3, 2) > 0.62
    base[red] = np.where(form[red][:, None] < 0.4, rgb("18181a")[0], rgb("c8321f")[0])
    image = image_of(base)
    pen = ImageDraw.Draw(image)
    for _ in range(3600):
        px, py = rng.uniform(0, S, 2)
        tone = form[int(py), int(px)]
        points = follow(angles, px, py, rng.uniform(24, 70), 4)
        if tone < 0.52:
            if rng.random() < tone * 1.5:
                pen.line(points, ink(rgb("f2e8d5")[0]), int(rng.integers(2, 7)))
        elif rng.random() < 0.35:
            pen.line(points, ink(rgb("18181a")[0]), int(rng.integers(2, 6)))
    return array_of(image)


# Name: the function, the title, and what is on the picture. In display order.
STYLES = {
    "night-swirls": (night_swirls, "Night swirls", "brush strokes along whirls in a night sky"),
    "stained-glass": (stained_glass, "Stained glass", "Voronoi panes between black leading"),
    "woodblock-wave": (woodblock_wave, "Woodblock wave", "layered waves in indigo and cream under a red sun"),
    "autumn-impasto": (autumn_impasto, "Autumn impasto", "thick strokes of orange, red and umber in relief"),
    "watercolour": (watercolour, "Watercolour", "transparent washes with dark rims on paper"),
    "ink-hatching": (ink_hatching, "Ink hatching", "four layers of pen hatching over noise"),
    "pop-art": (pop_art, "Pop art", "outlined shapes filled with printed dots"),
    "mosaic": (mosaic, "Mosaic", "rings of stone tiles around one centre"),
    "cubist": (cubist, "Cubist", "shaded facets in ochre, grey and brown"),
    "marbled-ink": (marbled_ink, "Marbled ink", "folded bands of ink, as on marbled paper"),
    "art-deco": (art_deco, "Art deco", "gold and teal fans on black"),
    "linocut": (linocut, "Linocut", "gouges in black, red and cream blocks"),
}

# Not good enough to be shipped, but more to learn from.
UNSHIPPED = {"pointillism": pointillism, "neon-zigzag": neon_zigzag}


def variants(count):
    """For training: every style in count more versions from other seeds, uint8 arrays."""
    functions = {name: entry[0] for name, entry in STYLES.items()} | UNSHIPPED
    return [np.asarray(image_of(function(np.random.default_rng([seed, zlib.crc32(name.encode())])))
                       .resize((SIDE, SIDE), Image.Resampling.LANCZOS))
            for name, function in functions.items() for seed in range(count)]


def draw(name):
    """The picture of a style as a Pillow image of SIDE x SIDE."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return image_of(STYLES[name][0](rng)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in STYLES:
        draw(name).save(folder / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()

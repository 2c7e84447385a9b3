"""The named styles that look like paint: brushes, washes, inks."""

import numpy as np
from PIL import Image, ImageDraw

from canvas import S, array_of, blur, brush, follow, grid, image_of, ink, light, noise, ramp, rgb


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


def watercolour(rng):
    paper = 0.97 + 0.05 * (noise(rng, 128, 2) - 0.5)
    picture = np.ones((S, S, 3)) * rgb("fdfbf5")[0]
    colours = rgb("f06a80", "4fc0a0", "f7c23f", "f58f4a", "8f6fd0", "f58fb0", "7fc4e0", "4fb878")
    y, x = grid()
    for number in range(26):
        cx, cy, size = rng.random(), rng.random(), rng.uniform(0.07, 0.2)
        warp = noise(rng, 5, 5) - 0.5
        field = np.hypot(x - cx, (y - cy) * rng.uniform(0.7, 1.5)) / size + 1.1 * warp
        body = np.clip((1 - field) * 16, 0, 1)
        edge = np.exp(-(((1 - field) - 0.05) / 0.035) ** 2)
        bloom = 0.25 + 0.9 * noise(rng, 7, 5)
        density = np.clip(body * bloom * 0.7 + edge * 0.5, 0, 0.95)[..., None]
        colour = colours[number % len(colours)] + rng.normal(0, 0.03, 3)
        picture = picture * (1 - density * (1 - colour))
    image = image_of(picture)
    pen = ImageDraw.Draw(image)
    angles = 6 * noise(rng, 3, 2)
    for _ in range(150):  # a fine pen over the washes
        px, py = rng.uniform(0, S, 2)
        pen.line(follow(angles, px, py, rng.uniform(60, 240), 12), ink(rgb("2a2f4a")[0]), int(rng.integers(2, 4)), "curve")
    for _ in range(260):  # spatter
        px, py, radius = *rng.uniform(0, S, 2), rng.exponential(3) + 1
        colour = colours[rng.integers(len(colours))] * 0.85
        pen.ellipse((px - radius, py - radius, px + radius, py + radius), ink(colour))
    return array_of(image) * paper[..., None]


def pointillism(rng):
    y, _ = grid()
    ground = ramp(0.75 * y + 0.35 * noise(rng, 3, 3),
                  rgb("f6e3b0", "f3c58a", "8fbbe0", "5f8fc9", "4f9a5a", "8cc04a", "e8cf4a", "d9903f"))
    image = image_of(ground * 0.6 + 0.35)
    pen = ImageDraw.Draw(image)
    accents = rgb("e8542f", "2f4fa8", "fff0b0", "f0a83a", "2f7f4f")
    for _ in range(15000):
        px, py = rng.uniform(0, S, 2)
        colour = ground[int(py), int(px)] * rng.uniform(0.75, 1.2)
        if rng.random() < 0.22:
            colour = accents[rng.integers(len(accents))]
        radius = rng.uniform(6, 10)
        pen.ellipse((px - radius, py - radius, px + radius, py + radius), ink(colour + rng.normal(0, 0.04, 3)))
    return array_of(image)


def sunset(rng):
    y, x = grid()
    sky = ramp(1.3 * y + 0.8 * (noise(rng, 4, 4) - 0.5),
               rgb("1f2470", "5a2f96", "a83fa0", "f0508a", "ff7a5f", "ffae4f", "ffe37a"))
    sky[np.hypot(x - 0.62, y - 0.48) < 0.09] = rgb("fff8d0")[0]
    for layer, tone in enumerate(rgb("a83f7f", "6f2a72", "3f1c5c", "1c0f38")):
        crest = 0.66 + 0.09 * layer + 0.16 * (noise(rng, 3 + layer, 4)[0][None] - 0.5)
        inside = y > crest
        shine = 0.6 * np.clip(1 - (y - crest) * 14, 0, 1)[..., None]
        sky[inside] = (tone * (1 - shine) + rgb("ffa06a")[0] * shine)[inside]
    # Strokes in all directions: the teacher smears a photograph along strokes that run one way.
    picture, _ = brush(rng, np.clip(sky, 0, 1), 5 * noise(rng, 4, 3), 5200, 42, (9, 16), 0.05, False)
    return picture


def cubist(rng):
    y, x = grid()
    key = np.zeros((S, S), int)
    shade = np.zeros((S, S), np.float32)
    edges = np.zeros((S, S), bool)
    for number in range(46):
        if number % 5 == 4:
            at = np.hypot(x - rng.random(), y - rng.random()) - rng.uniform(0.06, 0.16)
            part = np.ones((S, S), bool)
        else:
            angle = rng.choice([0.45, 1.05, 2.1, 2.7]) + rng.normal(0, 0.2)
            at = np.cos(angle) * (x - rng.random()) + np.sin(angle) * (y - rng.random())
            along = np.cos(angle) * y - np.sin(angle) * x
            begin = rng.uniform(-0.8, 0.6)
            part = (along > begin) & (along < begin + rng.uniform(0.5, 0.9))  # a plane ends somewhere
        key = np.where(part, key * 2 % 100003 + (at > 0), key)
        shade += np.where(part, np.exp(-np.abs(at) * 16) * np.sign(at), 0) * rng.uniform(0.12, 0.3)
        edges |= part & (np.abs(at) < 0.0058)
    colours = rgb("7a4a26", "c08a3f", "e6c67a", "f6ead0", "54707a", "8fa6a6", "b04f2a", "2f3f4a", "dba860", "a9b8b0")
    planes = colours[(key * 7919 % 10007) % len(colours)]
    picture = np.clip(planes * (1 + shade)[..., None], 0, 1) * (0.92 + 0.16 * noise(rng, 180, 2)[..., None])
    picture[edges] = rgb("17110c")[0]
    return picture

"""The named styles that look like crafts and materials."""

import numpy as np
from PIL import Image, ImageDraw

from canvas import S, array_of, blur, flat, grid, image_of, ink, leaf, light, noise, ramp, rgb, voronoi


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


def mosaic(rng):
    y, x = grid()
    rings = np.hypot(x - 0.35, y - 0.4) + 0.16 * (noise(rng, 3, 2) - 0.5)
    field = ramp(0.5 + 0.5 * np.sin(rings * 23), rgb("5a2a86", "9a55c4", "d9b0e6", "fdf6ea", "8fdcc0", "1f8f7a"))
    image = image_of(np.ones((S, S, 3)) * rgb("5a4a5c")[0])
    pen = ImageDraw.Draw(image)
    tile = 36
    for ring in range(44):
        radius = 8 + ring * tile
        count = max(4, int(2 * np.pi * radius / tile))
        for number in range(count):
            angle = 2 * np.pi * (number + 0.5 * (ring % 2)) / count
            px, py = 0.35 * S + radius * np.cos(angle), 0.4 * S + radius * np.sin(angle)
            if not (-tile < px < S + tile and -tile < py < S + tile):
                continue
            colour = field[min(S - 1, max(0, int(py))), min(S - 1, max(0, int(px)))]
            colour = colour * rng.uniform(0.75, 1.15) + rng.normal(0, 0.04, 3)
            half = tile / 2 - rng.uniform(2.5, 4.5)
            turn = angle + rng.normal(0, 0.08)
            corners = [(px + half * (np.cos(turn) * a - np.sin(turn) * b) + rng.normal(0, 1.5),
                        py + half * (np.sin(turn) * a + np.cos(turn) * b) + rng.normal(0, 1.5))
                       for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            pen.polygon(corners, ink(colour))
    picture = array_of(image)
    return light(picture, blur(picture.mean(2), 1.5), 1.2)


def art_deco(rng):
    picture = np.ones((S, S, 3)) * rgb("0f1216")[0]
    image = image_of(picture)
    pen = ImageDraw.Draw(image)
    gold, pale, teal, black = (ink(c) for c in rgb("c9a24b", "efe0b4", "0f5a5e", "0f1216"))
    width = S // 4
    for row in range(9, -2, -1):
        for column in range(-1, 6):
            cx = column * width + (width // 2 if row % 2 else 0)
            cy = row * width // 2
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


def delft(rng):
    layer = Image.new("F", (S, S), 0.0)
    pen = ImageDraw.Draw(layer)
    tile = S // 4

    def disc(x, y, radius, tone, width=0):
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, None if width else tone, tone, max(width, 1))

    for row in range(4):
        for column in range(4):
            left, top, tone = column * tile, row * tile, float(rng.uniform(0.75, 1))
            for x, y in ((left, top), (left + tile, top), (left, top + tile), (left + tile, top + tile)):
                for radius, width in ((74, 15), (50, 7), (30, 18)):
                    disc(x, y, radius, tone, width)
            x, y, petals = left + tile / 2, top + tile / 2, rng.integers(5, 9)
            for petal in range(petals):
                angle = 2 * np.pi * petal / petals
                for reach, width, depth in ((110, 0.16, 0.45), (98, 0.10, 1.0)):
                    upper, _, lower = leaf(x, y, angle, reach, width)
                    pen.polygon(flat(upper, lower[::-1]), depth * tone)
                disc(x + 92 * np.cos(angle + 0.4), y + 92 * np.sin(angle + 0.4), 9, tone)
            disc(x, y, 20, tone)
            pen.rectangle((left, top, left + tile, top + tile), None, 0.35, 4)
    wash = blur(np.asarray(layer), 1.5)
    depth = np.clip(wash * (0.6 + 0.6 * noise(rng, 20, 3)) + 0.12 * blur(wash, 12), 0, 1)
    blue = ramp(depth, rgb("3f63c8", "1a37a0", "0d1f70"))
    glaze = rgb("f6f7f5")[0] * (0.98 + 0.03 * noise(rng, 8, 3)[..., None])
    return glaze * (1 - depth[..., None]) + blue * depth[..., None]


def gilded(rng):
    gold = ramp(0.25 + 0.6 * noise(rng, 6, 4), rgb("8a5a12", "c8932a", "e8c257", "f6e3a0"))
    image = image_of(gold * (0.9 + 0.2 * noise(rng, 120, 1)[..., None]))
    pen = ImageDraw.Draw(image)
    dark, rust, cream, green, violet, shine = (
        ink(c) for c in rgb("2a1a0c", "a8431c", "f8efd0", "2f6b4a", "5a3a78", "d8aa45"))
    zones = noise(rng, 4, 2)
    for top in range(-44, S + 44, 44):  # tiles where one field is high
        for left in range(-30, S + 30, 30):
            x, y = left + rng.integers(-3, 4), top + rng.integers(-3, 4)
            if zones[np.clip(y, 0, S - 1), np.clip(x, 0, S - 1)] > 0.56:
                pen.rectangle((x, y, x + 24, y + 36), (dark, cream, rust, dark, violet, green)[rng.integers(6)])
                if rng.random() < 0.6:
                    pen.rectangle((x + 7, y + 9, x + 16, y + 26), shine)
    for _ in range(60):  # coils where it is low
        x, y = rng.uniform(0, S, 2)
        if zones[int(y), int(x)] > 0.5:
            continue
        turns, size, begin = rng.uniform(2.2, 3.4), rng.uniform(34, 80), rng.uniform(0, 6.3)
        at = np.linspace(0.1, 1, 70)
        angle = begin + 2 * np.pi * turns * at
        coil = np.stack([x + size * at * np.cos(angle), y + size * at * np.sin(angle)], 1)
        pen.line(flat(coil), dark if rng.random() < 0.75 else rust, 7, "curve")
    for _ in range(34):  # eyes
        x, y, size = rng.uniform(0, S), rng.uniform(0, S), rng.uniform(12, 26)
        iris = (green, violet, rust)[rng.integers(3)]
        for scale, colour in ((1, dark), (0.75, cream), (0.5, iris), (0.2, dark)):
            radius = size * scale
            pen.ellipse((x - radius, y - radius * 0.8, x + radius, y + radius * 0.8), colour)
    return array_of(image)


def jungle(rng):
    image = image_of(ramp(noise(rng, 4, 3), rgb("052012", "0c3a1f", "125028")))
    pen = ImageDraw.Draw(image)
    greens = rgb("0f4a26", "176a30", "259040", "46b048", "74cc4a", "b0e05a", "e4f07a")
    blossoms = rgb("ff6a3f", "ffc83a", "ff8ab0")
    count = 620
    for number in range(count):  # the lighter, the nearer
        colour = greens[int(number / count * 6 + rng.uniform(0, 1))] * rng.uniform(0.85, 1.1)
        if rng.random() < 0.03:
            colour = blossoms[rng.integers(len(blossoms))]
        x, y, angle = rng.uniform(-60, S + 60), rng.uniform(-60, S + 60), rng.uniform(0, 2 * np.pi)
        upper, spine, lower = leaf(x, y, angle, rng.uniform(80, 210), rng.uniform(0.10, 0.22), rng.normal(0, 0.5))
        pen.polygon(flat(upper, lower[::-1]), ink(colour), ink(colour * 0.3))
        pen.line(flat(spine), ink(colour * 0.45), 4)
        for vein in range(4, 20, 3):
            for edge in (upper, lower):
                pen.line((*spine[vein], *edge[vein + 2]), ink(colour * 0.6), 2)
    return array_of(image)


def frozen_lake(rng):
    floe, _, gap = voronoi(rng.random((60, 2)) * S)
    _, _, finer = voronoi(rng.random((420, 2)) * S)
    ice = ramp(0.05 + 0.95 * noise(rng, 4, 5), rgb("0b4a66", "1f7f9a", "45b3c4", "8fdde0", "d8f7f4"))
    ice = ice * (0.82 + 0.3 * (floe * 0.618 % 1)[..., None])
    cracks = 0.8 * np.exp(-finer / 2.2) * np.clip((noise(rng, 5, 3) - 0.35) * 4, 0, 1)
    rifts = np.clip(1.25 - gap / (4 + 7 * noise(rng, 8, 2)), 0, 1)
    frost = 0.7 * np.clip(noise(rng, 40, 4) * 2.6 - 1.75, 0, 1)
    for cover in (frost, cracks, rifts):
        ice = ice * (1 - cover[..., None]) + rgb("f6ffff")[0] * cover[..., None]
    shade = 0.45 * np.exp(-(((gap - 13) / 4) ** 2))[..., None]
    return ice * (1 - shade) + rgb("06303f")[0] * shade


def verdigris(rng):
    copper = ramp(noise(rng, 5, 5), rgb("3a1a0e", "7a3516", "b85f2a", "e0925a"))
    patina = ramp(noise(rng, 7, 5), rgb("1f6b66", "3aa595", "7fd0bf", "c8ede0"))
    cover = np.clip((noise(rng, 4, 6) - 0.5) * 14, 0, 1)[..., None]
    rim = np.exp(-(((cover - 0.5) / 0.25) ** 2))
    picture = (copper * (1 - cover) + patina * cover) * (1 - 0.55 * rim)
    return light(picture, blur(noise(rng, 60, 4), 1), 3.0)


def neon_night(rng):
    picture = np.zeros((S, S, 3)) + rgb("07040f")[0]
    for colour in rgb("ff2d95", "12e6ea", "7a3cff", "ff5a2d", "19f09a", "ff2d95", "12e6ea"):
        layer = Image.new("F", (S, S), 0.0)
        pen = ImageDraw.Draw(layer)
        for _ in range(5):
            kind, centre, size = rng.integers(3), rng.uniform(0, S, 2), rng.uniform(50, 170)
            at = np.linspace(0, 2 * np.pi, 61)
            if kind == 0:  # a wave
                tube = np.stack([0.8 * (at - 3), 0.5 * np.sin(3 * at)], 1)
            else:  # a circle, or a polygon
                at = at if kind == 1 else rng.uniform(0, 6) + at[:: 60 // rng.integers(3, 7)]
                tube = np.stack([np.cos(at), np.sin(at)], 1)
            for scale in (1, 0.72):
                pen.line(flat(centre + size * scale * tube), 1.0, 7, "curve")
        light_of = np.asarray(layer)
        glow = (1.0 * blur(light_of, 6) + 1.1 * blur(light_of, 24))[..., None]
        core = blur(light_of, 1.2)[..., None] ** 2
        picture = picture + 0.75 * glow * colour + core * (0.3 + 0.7 * colour)
    return picture

"""The named styles that look like prints and drawings."""

import numpy as np
from PIL import Image, ImageDraw

from canvas import S, array_of, blur, flat, follow, grid, image_of, ink, leaf, noise, ramp, rgb


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
    grain = np.asarray(Image.fromarray(rng.random((S // 4, 12)).astype(np.float32)).resize((S, S)))
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


def charcoal(rng):
    paper = rgb("e9e6df")[0] * (0.96 + 0.08 * noise(rng, 200, 2)[..., None])
    form = np.clip((noise(rng, 3, 3) - 0.22) * 1.7, 0, 1)
    angles = 0.9 + 1.6 * (noise(rng, 2, 2) - 0.5)
    tooth = noise(rng, 256, 2)
    layer = Image.new("F", (S, S), 0.0)
    pen = ImageDraw.Draw(layer)
    for _ in range(1500):
        px, py = rng.uniform(0, S, 2)
        dark = 1 - form[int(py), int(px)]
        if rng.random() > dark * 1.2:
            continue
        points = follow(angles, px, py, rng.uniform(60, 190))
        pen.line(points, float(dark * rng.uniform(0.5, 1.0)), int(rng.uniform(10, 34)), "curve")
    coal = np.asarray(layer)
    grain = np.clip((coal * 1.15 - tooth * 0.75) * 3, 0, 1)
    depth = np.clip(0.6 * blur(coal, 16) + 0.75 * grain * coal, 0, 0.97)[..., None]
    return paper * (1 - depth) + rgb("141313")[0] * depth


def cyanotype(rng):
    shadow = Image.new("F", (S, S), 0.0)
    pen = ImageDraw.Draw(shadow)
    for number in range(16):
        x, y, angle = rng.uniform(-0.05 * S, 1.05 * S), rng.uniform(0.15 * S, 1.25 * S), rng.uniform(-2.3, -0.8)
        bend, length, tone = rng.normal(0, 0.03), rng.uniform(380, 720), float(rng.uniform(0.85, 1))
        gap, width = ((26, 0.10), (62, 0.26))[number % 2]  # a fern, a twig with broad leaves
        steps = int(length / gap)
        for step in range(steps):
            tip = x + gap * np.cos(angle), y + gap * np.sin(angle)
            pen.line((x, y, *tip), tone, 6)
            reach = 110 * (1 - step / steps) ** 0.7 + 14
            for tilt in (angle - 0.95, angle + 0.95):
                upper, spine, lower = leaf(x, y, tilt, reach, width)
                pen.polygon(flat(upper, lower[::-1]), tone)
                pen.line(flat(spine), tone * 0.5, 2)
            (x, y), angle = tip, angle + bend
    shade = np.clip(blur(np.asarray(shadow), 1), 0, 1)[..., None]
    return ramp(noise(rng, 3, 4), rgb("020e44", "041860", "072580")) * (1 - shade) + rgb("f4fafc")[0] * shade


def risograph(rng):
    y, x = grid()
    picture = np.ones((S, S, 3)) * rgb("faf0e0")[0]
    for colour, cells, angle in ((rgb("ff5c9d")[0], 3, 0.7), (rgb("3a55d9")[0], 4, 2.3)):
        form = noise(rng, cells, 4)
        level = np.digitize(form, np.quantile(form, [0.24, 0.5, 0.76]))
        stripes = np.sin(2 * np.pi * 60 * (np.cos(angle) * x + np.sin(angle) * y)) > 0.1
        grain = noise(rng, 256, 2) * 1.3 - 0.15 < 2 / 3
        inked = 0.95 * np.choose(level, [np.zeros((S, S)), stripes, grain, np.ones((S, S))])[..., None]
        picture = picture * (1 - inked * (1 - colour))
    return picture


def old_map(rng):
    height = noise(rng, 3, 4)
    paper = ramp(noise(rng, 4, 5), rgb("c9a468", "dfc48c", "ecd9ac"))
    paper[height < 0.3] *= rgb("b5c4ae")[0]
    depth = np.zeros((S, S))
    for steps, weight, width in ((26, 0.75, 1.6), (5.2, 1.0, 2.6)):  # contours; every fifth is bold
        slope = np.hypot(*np.gradient(height * steps)) + 1e-6
        away = np.abs((height * steps + 0.5) % 1 - 0.5) / slope
        depth += weight * np.clip(width - away / 1.6, 0, 1)
    depth = np.clip(depth, 0, 1)[..., None]
    return paper * (1 - depth) + rgb("4a2812")[0] * depth

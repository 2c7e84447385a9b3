"""The pictures for training: where they are, which of them are held back, and how parts are cut
from them.

The training folder has content/ (photographs), style/ (paintings, drawings, textures) and teacher/
(two SavedModels). About 15% of the content and of the style pictures are held back: training never
uses them. A hash of their names decides which. Pictures are uint8 RGB arrays until they enter a
network, and then float32 in 0..1.
"""

import hashlib
import os
import pathlib
import zlib

import numpy as np
from PIL import Image

import styles
import textures

HELD_BACK = 0.15
STYLE_SIDE = 256  # what the style predictors, teacher's and ours, are fed


def split(folder, validation):
    """Return the paths of the pictures that are held back, or of those that are not.

    The hash of the names decides which are held back. Two parts of one painting, whose names differ
    by the suffix _cropped, stay together.
    """
    paths = sorted(pathlib.Path(folder).glob("*.jpg"))
    if not paths:
        raise SystemExit(f"no pictures in {folder}")
    stem = {path: path.stem.removesuffix("_cropped") for path in paths}
    ranked = sorted(set(stem.values()), key=lambda name: hashlib.sha256(name.encode()).digest())
    held_back = set(ranked[: round(len(ranked) * HELD_BACK)])
    return [path for path in paths if (stem[path] in held_back) == validation]


def load(folder, validation, longest=768):
    """Return all pictures of a folder that are held back, or all that are not, sorted by name."""
    pictures = []
    for path in split(folder, validation):
        image = Image.open(path).convert("RGB")
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        pictures.append(np.asarray(image))
    return pictures


def drawn(folder, count=4):
    """Return the named styles, and versions of them from other seeds. They are stored in folder,
    because drawing them takes a minute.

    The name of the stored file contains a checksum of the code that draws, so that changed styles
    are drawn again.
    """
    here = pathlib.Path(__file__).parent
    code = b"".join(path.read_bytes() for path in [here / "canvas.py", *sorted(here.glob("styles*.py"))])
    stored = folder / f"drawn-{zlib.crc32(code):08x}.npz"
    if not stored.exists():
        shipped = [np.asarray(styles.draw(name)) for name in styles.STYLES]
        beside = folder / f"drawn.{os.getpid()}.tmp.npz"  # two stages may draw at once
        np.savez(beside, pictures=np.stack(shipped + styles.variants(count)))
        beside.replace(stored)
    with np.load(stored) as file:
        return list(file["pictures"])


def squeeze(picture, side=STYLE_SIDE):
    """Return the whole picture, scaled to side x side with antialiasing: in this form the
    network gets style pictures.
    """
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def crop(rng, picture, side, smallest=0.4, largest=1.0):
    """Return a random square part of a picture, scaled to side x side. Its edge is between
    smallest and largest of the picture's shorter edge.
    """
    height, width = picture.shape[:2]
    cut = max(8, int(min(height, width) * rng.uniform(smallest, largest)))
    top = rng.integers(0, height - cut + 1)
    left = rng.integers(0, width - cut + 1)
    part = Image.fromarray(picture[top : top + cut, left : left + cut])
    return np.asarray(part.resize((side, side), Image.Resampling.BICUBIC))


def zoomed(rng, picture, side):
    """Return a part of a photograph as it occurs in pictures of different sizes: the larger the
    picture, the smoother each part.
    """
    share = np.exp(rng.uniform(np.log(0.05), 0))
    return crop(rng, picture, side, share, share)


def turn(rng, picture):
    """Return the picture in a random one of the eight orientations of a square."""
    picture = np.rot90(picture, rng.integers(4))
    return picture[:, ::-1] if rng.random() < 0.5 else picture


def recolour(rng, picture):
    """Return the same strokes in other colours: the channels are exchanged, mixed, inverted or
    bent.
    """
    x = picture.astype(np.float32) / 255
    if rng.random() < 0.5:
        x = x[..., rng.permutation(3)]
    if rng.random() < 0.15:
        x = 1 - x
    if rng.random() < 0.4:  # rotate the colour space a little, or towards grey
        mix = np.eye(3) + rng.normal(0, 0.25, (3, 3))
        x = x @ (mix / mix.sum(1, keepdims=True)).astype(np.float32)
    if rng.random() < 0.5:
        x = np.clip(x, 0, 1) ** rng.uniform(0.5, 1.8, 3).astype(np.float32)
    if rng.random() < 0.3:
        x = 0.5 + (x - 0.5) * rng.uniform(0.4, 1.6) + rng.normal(0, 0.1, 3).astype(np.float32)
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


def style_sample(rng, paintings, photos):
    """Return one 256 x 256 style picture to train the predictor with: a real, recoloured or
    drawn one, or a mixture.
    """
    kind = rng.random()
    if kind < 0.45:
        picture = crop(rng, paintings[rng.integers(len(paintings))], STYLE_SIDE, 0.25)
    elif kind < 0.70:
        picture = crop(rng, photos[rng.integers(len(photos))], STYLE_SIDE, 0.5)
    elif kind < 0.88:
        picture = textures.draw(rng, STYLE_SIDE)
    else:
        a, b = style_sample(rng, paintings, photos), style_sample(rng, paintings, photos)
        if rng.random() < 0.5:
            weight = rng.uniform(0.3, 0.7)
            picture = (a * weight + b * (1 - weight)).astype(np.uint8)
        else:  # side by side, as a picture of two manners
            picture = a.copy()
            split = rng.integers(64, 192)
            picture[:, split:] = b[:, split:]
    picture = turn(rng, picture)
    return recolour(rng, picture) if rng.random() < 0.5 else picture


def as_float(pictures):
    return np.asarray(pictures, np.float32) / 255

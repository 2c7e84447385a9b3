"""Makes pairs of paintings, one by the teacher and one by our model, in random order, for a
blind judgement.

    python blind.py FOLDER MODEL OUT PHOTO... [--seed N]

It uses eight named styles and four that were not used in training, at 256, 1024 and 2048 px. It
writes OUT/<size>-<n>.png with a style in each row; above the paintings A and B of a pair stands the
number of the pair. A pair that is too large to be shown whole is reduced, and a part of it in full
size is shown beside it. OUT/key.csv says which painting is ours: look at it last.
"""

import argparse
import csv
import json
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

import data
from catalogue import painted
from evaluate import named
from shipped import Model
from teacher import Teacher

SIZES = (256, 1024, 2048)
TILE, HEAD, GAP, ROWS = 384, 20, 6, 4


def square(path, side):
    """Return the central square of a photograph, scaled to side x side."""
    image = Image.open(path).convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    image = image.crop((left, top, left + edge, top + edge))
    return np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))


def styles(model, teacher, folder, stored, rng):
    """Yield (name, the teacher's vector, our vector). For a named style both are the stored
    vector.
    """
    names = sorted(rng.choice(sorted(stored), 8, replace=False))
    for name in names:
        vector = np.array([stored[name]], np.float32)
        yield name, vector, vector
    unseen = named(folder)
    for index in sorted(rng.choice(len(unseen), 4, replace=False)):
        name, picture = unseen[index]
        picture = data.as_float(data.squeeze(picture)[None])
        yield name, teacher.vectors(picture).numpy(), np.asarray(model.vectors(picture))


def tiles(picture):
    """Return a small picture unchanged. Of a large one, return a reduced copy and a part of its
    middle.
    """
    image = Image.fromarray(picture)
    if image.width <= TILE:
        return [image]
    corner = (image.width - TILE) // 2
    return [image.resize((TILE, TILE), Image.Resampling.LANCZOS),
            image.crop((corner, corner, corner + TILE, corner + TILE))]


def sheet(rows):
    """Return one picture that shows rows of (caption, picture)."""
    side = TILE + GAP
    result = Image.new("RGB", (side * max(map(len, rows)), (HEAD + side) * len(rows)), "white")
    pen, font = ImageDraw.Draw(result), ImageFont.load_default(14)
    for y, row in enumerate(rows):
        for x, (caption, picture) in enumerate(row):
            pen.text((x * side + 4, y * (HEAD + side) + 2), caption, "black", font)
            result.paste(picture, (x * side, y * (HEAD + side) + HEAD))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder")
    parser.add_argument("model", type=pathlib.Path, help="folder of saved_model.pb and styles.json")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path, nargs="+", help="large photographs")
    parser.add_argument("--seed", type=int, default=0, help="another one for another order and other styles")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    model, teacher = Model(options.model), Teacher(options.folder / "teacher")
    stored = json.loads((options.model / "styles.json").read_text())["vectors"]
    chosen = list(styles(model, teacher, options.folder / "style", stored, rng))
    key, place = [], 0
    for size in SIZES:
        rows = []
        for name, theirs, ours in chosen:
            row = []
            for _ in range(2 if size <= TILE else 1):
                path = options.photos[place % len(options.photos)]
                place += 1
                photo = square(path, size)
                pair = [painted(model.paint, photo, ours), painted(teacher.paint, photo, theirs)]
                first = int(rng.integers(2))
                key.append({"pair": len(key) + 1, "ours": "AB"[first], "size": size, "photo": path.stem, "style": name})
                shown = [tiles(picture) for picture in (pair if first == 0 else pair[::-1])]
                row += [(f"{len(key)} {letter}", tile) for both in zip(*shown) for letter, tile in zip("AB", both)]
            rows.append(row)
        for start in range(0, len(rows), ROWS):
            sheet(rows[start : start + ROWS]).save(options.out / f"{size}-{start // ROWS + 1}.png")
    with (options.out / "key.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, key[0])
        writer.writeheader()
        writer.writerows(key)


if __name__ == "__main__":
    main()
